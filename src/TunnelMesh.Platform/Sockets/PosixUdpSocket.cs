using System.Net.Sockets;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// sendto and recvfrom, one datagram a call, without allocation: what macOS offers. Its recvmsg_x and sendmsg_x move many at once,
/// but are private ("the API is subject to change", xnu's socket_private.h), and on the systems before macOS 15 sendmsg_x takes no address, so
/// only sockets connected to one peer could send by it. A batch here is what is read until nothing is left.
/// </summary>
internal sealed unsafe class PosixUdpSocket : SingleDatagramSocket, IDescriptorOwner
{
    private readonly SocketNameFormat _names;
    private readonly int _dontWait;
    private readonly int _again;

    private PosixUdpSocket(Socket socket, bool hasIPv6, SocketNameFormat names, int dontWait, int again)
        : base(socket, hasIPv6) => (_names, _dontWait, _again) = (names, dontWait, again);

    public override UdpOffloads Offloads => UdpOffloads.None;

    public override long SegmentationFallbacks => 0;

    public SafeHandle Descriptor => Handle;

    /// <summary>Binds a socket.</summary>
    /// <param name="options">Port and buffers; there are no offloads.</param>
    /// <param name="names">How the system lays out addresses.</param>
    /// <param name="dontWait">Its MSG_DONTWAIT.</param>
    /// <param name="again">Its EAGAIN.</param>
    /// <exception cref="UdpSocketException">The port is taken or the system refused.</exception>
    public static PosixUdpSocket Open(UdpSocketOptions options, SocketNameFormat names, int dontWait, int again)
    {
        Socket socket = UdpBinding.Open(options, out bool hasIPv6);
        return new PosixUdpSocket(socket, hasIPv6, names, dontWait, again);
    }

    public override bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = _names.Write(name, destination, HasIPv6);
        fixed (byte* p = datagram)
        {
            return length != 0 && SendOne(p, datagram.Length, name, length);
        }
    }

    public override int SendSegments(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentSize, 1);
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint nameLength = _names.Write(name, destination, HasIPv6);
        if (nameLength == 0)
        {
            return Trains.CountOf(datagrams.Length, segmentSize);
        }

        int refused = 0;
        fixed (byte* p = datagrams)
        {
            for (int at = 0; at < datagrams.Length; at += Math.Min(segmentSize, datagrams.Length - at))
            {
                refused += SendOne(p + at, Math.Min(segmentSize, datagrams.Length - at), name, nameLength) ? 0 : 1;
            }
        }

        return refused;
    }

    protected override int ReceiveOne(byte* buffer, int length, out UdpEndpoint source)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        for (int i = 0; i < MaxSkips; i++)
        {
            uint nameLength = SocketNameFormat.Bytes;
            nint n = UnixNative.RecvFrom(Handle, buffer, (nuint)length, _dontWait, name, &nameLength);
            if (n >= 0)
            {
                source = _names.Read(name);
                return (int)n;
            }

            if (Marshal.GetLastPInvokeError() == _again)
            {
                break;
            }
        }

        source = default;
        return -1;
    }

    private bool SendOne(byte* datagram, int length, byte* name, uint nameLength)
    {
        nint n;
        do
        {
            n = UnixNative.SendTo(Handle, datagram, (nuint)length, 0, name, nameLength);
        }
        while (n < 0 && Marshal.GetLastPInvokeError() == UnixNative.EIntr);
        return n == length;
    }
}
