using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>Owns one 32-byte key in native memory, which the garbage collector neither moves nor copies; zeroed when the last user lets go.</summary>
internal sealed unsafe class VectorKey : SafeHandle
{
    /// <summary>A copy of <paramref name="key"/>, 32 bytes.</summary>
    public VectorKey(ReadOnlySpan<byte> key)
        : base(0, ownsHandle: true)
    {
        void* memory = NativeMemory.AlignedAlloc(WireGuardMessage.KeySize, (nuint)sizeof(nint) * 8);
        key.CopyTo(new Span<byte>(memory, WireGuardMessage.KeySize));
        SetHandle((nint)memory);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        CryptographicOperations.ZeroMemory(new Span<byte>((void*)handle, WireGuardMessage.KeySize));
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
