using System.Net.Sockets;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// Winsock, without allocation: datagrams are received one a call until none is left, and sent as trains where the system can
/// (UDP_SEND_MSG_SIZE). Receiving trains (UDP_RECV_MAX_COALESCED_SIZE) is not asked for: the feature depends on the driver of the network
/// card, and one that cuts or merges wrongly would cost a tunnel without a trace.
/// </summary>
internal sealed unsafe class WindowsUdpSocket : SingleDatagramSocket, IEventOwner
{
    // A full send buffer empties at the speed of the network card; a second without any room is a network that stands still.
    private const int RoomTries = 10;
    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(100);

    private readonly IWinsock _winsock;
    private readonly SegmentationRefusals _refusals;
    private readonly AutoResetEvent _arrived;

    /// <summary>Makes it of its parts, which it owns from then on.</summary>
    internal WindowsUdpSocket(Socket socket, bool hasIPv6, UdpOffloads offloads, TimeProvider time, AutoResetEvent arrived, IWinsock winsock)
        : base(socket, hasIPv6)
    {
        (Offloads, _arrived, _winsock) = (offloads, arrived, winsock);
        _refusals = new SegmentationRefusals(time);
    }

    public override UdpOffloads Offloads { get; }

    public override long SegmentationFallbacks => _refusals.Total;

    public WaitHandle Arrived => _arrived;

    public bool MayHaveMore { get; private set; } = true;

    public static WindowsUdpSocket Open(UdpSocketOptions options)
    {
        Socket socket = UdpBinding.Open(options, out bool hasIPv6);
        AutoResetEvent arrived = new(false);
        try
        {
            DatagramSockets.IgnoreResets(socket);
            bool trains = options.Offloads.HasFlag(UdpOffloads.Segmentation) && HasTrains(socket);
            int error = Winsock.SetEvent(socket.SafeHandle, arrived.SafeWaitHandle);
            return error == 0
                ? new WindowsUdpSocket(socket, hasIPv6, trains ? UdpOffloads.Segmentation : UdpOffloads.None, options.Time, arrived, new Winsock())
                : throw UdpBinding.Failed(options.Port, new SocketException(error));
        }
        catch
        {
            socket.Dispose();
            arrived.Dispose();
            throw;
        }
    }

    public override bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = SocketNameFormat.Windows.Write(name, destination, HasIPv6);
        fixed (byte* p = datagram)
        {
            return length != 0 && new Sender(this, name, (int)length).SendOne(p, datagram.Length);
        }
    }

    public override int SendSegments(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentSize, 1);
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = SocketNameFormat.Windows.Write(name, destination, HasIPv6);
        return length == 0
            ? Trains.CountOf(datagrams.Length, segmentSize)
            : Trains.Send(datagrams, segmentSize, destination, (Offloads & UdpOffloads.Segmentation) != 0, _refusals, new Sender(this, name, (int)length));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _arrived.Dispose();
    }

    private static bool HasTrains(Socket socket)
    {
        try
        {
            return socket.GetRawSocketOption(Winsock.Udp, Winsock.UdpSendMessageSize, stackalloc byte[4]) == 4;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    protected override int ReceiveOne(byte* buffer, int length, out UdpEndpoint source)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        for (int i = 0; i < MaxSkips; i++)
        {
            int n = _winsock.ReceiveFrom(Handle, buffer, length, name);
            if (n >= 0)
            {
                MayHaveMore = true;
                source = SocketNameFormat.Windows.Read(name);
                return n;
            }

            if (n == -Winsock.WouldBlock)
            {
                MayHaveMore = false;
                break;
            }
        }

        source = default;
        return -1;
    }

    /// <summary>The calls to one destination; lives as long as the name on its caller's stack.</summary>
    private readonly struct Sender(WindowsUdpSocket socket, byte* name, int nameLength) : ITrainSender
    {
        public bool SendOne(byte* datagram, int length)
        {
            for (int tries = 0; ; tries++)
            {
                int n = socket._winsock.SendTo(socket.Handle, datagram, length, name, nameLength);
                if (n != -Winsock.WouldBlock || !HasRoom(tries))
                {
                    return n == length;
                }
            }
        }

        public int SendSingly(byte* datagrams, int length, int segmentSize)
        {
            int refused = 0;
            for (int at = 0; at < length; at += Math.Min(segmentSize, length - at))
            {
                refused += SendOne(datagrams + at, Math.Min(segmentSize, length - at)) ? 0 : 1;
            }

            return refused;
        }

        public TrainResult SendTrain(byte* datagrams, int length, int segmentSize)
        {
            for (int tries = 0; ; tries++)
            {
                int n = socket._winsock.SendTrain(socket.Handle, datagrams, length, segmentSize, name, nameLength);
                if (n != -Winsock.WouldBlock || !HasRoom(tries))
                {
                    return n switch
                    {
                        >= 0 => TrainResult.Sent,
                        -Winsock.Invalid or -Winsock.MessageSize or -Winsock.NoProtocolOption or -Winsock.OperationNotSupported => TrainResult.NotAsTrain,
                        _ => TrainResult.Refused,
                    };
                }
            }
        }

        // The event of arrivals has made the socket one that never waits.
        private bool HasRoom(int tries)
        {
            if (tries >= RoomTries)
            {
                return false;
            }

            socket.WaitForRoom(RoomWait);
            return true;
        }
    }
}
