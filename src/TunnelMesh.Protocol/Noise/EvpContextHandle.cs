using System.Runtime.InteropServices;

namespace TunnelMesh.Protocol.Noise;

/// <summary>Owns one EVP_CIPHER_CTX; libcrypto clears its key when it is freed.</summary>
internal sealed unsafe class EvpContextHandle : SafeHandle
{
    private readonly delegate* unmanaged<nint, void> _free;

    public EvpContextHandle(nint context, delegate* unmanaged<nint, void> free)
        : base(0, ownsHandle: true)
    {
        _free = free;
        SetHandle(context);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
