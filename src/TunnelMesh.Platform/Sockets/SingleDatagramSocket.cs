using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Sockets;

/// <summary>A socket bound by the framework, whose datagrams the system hands over one a call.</summary>
internal abstract unsafe class SingleDatagramSocket : IUdpSocket
{
    /// <summary>Errors that wait on a socket hide one call's result each; datagrams without content are passed over.</summary>
    protected const int MaxSkips = 64;

    private readonly Socket _socket;

    /// <summary>Takes over a bound socket.</summary>
    protected SingleDatagramSocket(Socket socket, bool hasIPv6)
    {
        (_socket, HasIPv6) = (socket, hasIPv6);
        Handle = socket.SafeHandle;
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public int Port { get; }

    public bool HasIPv6 { get; }

    public abstract UdpOffloads Offloads { get; }

    public abstract long SegmentationFallbacks { get; }

    /// <summary>For the system's own calls.</summary>
    protected SafeHandle Handle { get; }

    public int Receive(Span<byte> buffers, int stride, Span<int> lengths, Span<UdpEndpoint> sources)
    {
        int most = Math.Min(Math.Min(lengths.Length, sources.Length), buffers.Length / stride), count = 0;
        fixed (byte* p = buffers)
        {
            for (; count < most; count++)
            {
                lengths[count] = ReceiveOne(p + (nint)count * stride, stride, out sources[count]);
                if (lengths[count] < 0)
                {
                    break;
                }
            }
        }

        return count;
    }

    public int ReceiveSegments(Span<byte> buffer, out int segmentSize, out UdpEndpoint source)
    {
        fixed (byte* p = buffer)
        {
            for (int i = 0; i < MaxSkips; i++)
            {
                segmentSize = ReceiveOne(p, buffer.Length, out source);
                if (segmentSize > 0)
                {
                    return segmentSize;
                }

                if (segmentSize < 0)
                {
                    break;
                }
            }
        }

        (segmentSize, source) = (0, default);
        return 0;
    }

    public abstract bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination);

    public abstract int SendSegments(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the socket.</summary>
    protected virtual void Dispose(bool disposing) => _socket.Dispose();

    /// <summary>Waits until there is room in the send buffer.</summary>
    protected void WaitForRoom(TimeSpan most) => _ = _socket.Poll(most, SelectMode.SelectWrite);

    /// <summary>Takes a datagram without waiting; what is longer than the buffer is cut.</summary>
    /// <returns>The datagram's length; -1 when nothing is waiting.</returns>
    protected abstract int ReceiveOne(byte* buffer, int length, out UdpEndpoint source);
}
