using System.Runtime.InteropServices;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Zeroed native memory at a multiple of 64.</summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    public AlignedMemory(int size)
    {
        Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)size, 64);
        new Span<byte>(Pointer, size).Clear();
    }

    public byte* Pointer { get; }

    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
