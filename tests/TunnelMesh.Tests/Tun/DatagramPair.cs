using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Tests.Tun;

/// <summary>Two connected sockets that keep the bounds of what is written and do not wait: what a utun socket is to its reader, with the kernel at the other end.</summary>
internal sealed unsafe partial class DatagramPair : IDisposable
{
    private const int Unix = 1, SequencedPackets = 5, NonBlocking = 0x800;

    public DatagramPair()
    {
        int* ends = stackalloc int[2];
        Assert.Equal(0, SocketPair(Unix, SequencedPackets | NonBlocking, 0, ends));
        (Device, Kernel) = (new SafeFileDescriptor(ends[0]), new SafeFileDescriptor(ends[1]));
    }

    public SafeFileDescriptor Device { get; }

    public SafeFileDescriptor Kernel { get; }

    /// <summary>What the kernel got next, family and packet; empty for nothing.</summary>
    public byte[] KernelReads()
    {
        byte[] buffer = new byte[70_000];
        fixed (byte* p = buffer)
        {
            nint n = UnixNative.Read(Kernel, p, (nuint)buffer.Length);
            return n < 0 ? [] : buffer[..(int)n];
        }
    }

    /// <summary>The same without allocation; how many bytes, or -1.</summary>
    public int KernelReadsInto(byte[] buffer)
    {
        fixed (byte* p = buffer)
        {
            return (int)UnixNative.Read(Kernel, p, (nuint)buffer.Length);
        }
    }

    /// <summary>False when there is no more room.</summary>
    public bool KernelWrites(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            return UnixNative.Write(Kernel, p, (nuint)bytes.Length) == bytes.Length;
        }
    }

    public void Dispose()
    {
        Device.Dispose();
        Kernel.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "socketpair")]
    private static partial int SocketPair(int domain, int type, int protocol, int* ends);
}
