using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.DataPlane;

public sealed class SideSocketsTests : ICarrierSink, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly BlockingCollection<(PathAddress Source, byte[] Bytes)> _came = [];
    private readonly List<IUdpSocket> _made = [];
    private readonly Socket _other = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly HashSet<string> _devices = ["a", "b", "d"];
    private readonly SideSockets _sockets;

    public SideSocketsTests()
    {
        _other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _other.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        _sockets = new SideSockets(Make, _devices.Contains, this);
    }

    [Fact]
    public void What_comes_to_any_of_256_sockets_is_told_with_its_number_and_answers_leave_from_the_same_port()
    {
        ushort[] numbers = [.. Enumerable.Range(0, 256).Select(_ => _sockets.Open("d"))];
        Assert.Equal(256, numbers.Where(n => n != 0).Distinct().Count());
        for (int i = 0; i < numbers.Length; i++)
        {
            _other.SendTo([(byte)i, 1], new IPEndPoint(IPAddress.Loopback, _made[i].Port));
            Assert.True(_came.TryTake(out (PathAddress Source, byte[] Bytes) came, Patience));
            Assert.Equal((numbers[i], (byte)i), (came.Source.Socket, came.Bytes[0]));
            Assert.Equal(((IPEndPoint)_other.LocalEndPoint!).Port, came.Source.Endpoint.Port);
            Assert.Equal(0, _sockets.Send(came.Source, [5, 6, 7, 8], 2));
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            byte[] answer = new byte[10];
            Assert.Equal(2, _other.ReceiveFrom(answer, ref from));
            Assert.Equal(_made[i].Port, ((IPEndPoint)from).Port);
            Assert.Equal(2, _other.ReceiveFrom(answer, ref from));
        }
    }

    [Fact]
    public void A_closed_socket_is_given_back_and_the_others_go_on()
    {
        ushort closed = _sockets.Open("d"), stays = _sockets.Open("d");
        _sockets.Close(closed);
        _sockets.Close(closed);
        Assert.Equal(1, _sockets.Count);
        PathAddress path = PathAddress.Udp(UdpEndpoint.From((IPEndPoint)_other.LocalEndPoint!), closed);
        Assert.Equal(2, _sockets.Send(path, [5, 6, 7], 2));
        Assert.True(SpinWait.SpinUntil(() => IsClosed(_made[0]), Patience));
        _other.SendTo([9], new IPEndPoint(IPAddress.Loopback, _made[1].Port));
        Assert.True(_came.TryTake(out (PathAddress Source, byte[] Bytes) came, Patience));
        Assert.Equal(stays, came.Source.Socket);
    }

    [Fact]
    public void Sockets_go_with_their_device_and_there_are_no_more_than_1024()
    {
        for (int i = 0; i < SideSockets.MaxSockets; i++)
        {
            Assert.NotEqual(0, _sockets.Open(i < 1000 ? "a" : "b"));
        }

        Assert.Equal(0, _sockets.Open("b"));
        _devices.Remove("a");
        _sockets.Sweep();
        Assert.Equal(SideSockets.MaxSockets - 1000, _sockets.Count);
    }

    [Fact]
    public void A_device_that_goes_while_its_socket_is_being_opened_leaves_none_behind()
    {
        Assert.NotEqual(0, _sockets.Open("b"));
        SideSockets? sockets = null;
        using SideSockets going = sockets = new SideSockets(() =>
        {
            _devices.Remove("a");
            sockets!.Sweep();
            return Make();
        }, _devices.Contains, this);
        Assert.Equal(0, going.Open("a"));
        Assert.Equal(0, going.Count);
        Assert.True(SpinWait.SpinUntil(() => IsClosed(_made[^1]), Patience));
    }

    [Fact]
    public void Where_the_system_has_no_socket_there_is_none()
    {
        using var none = new SideSockets(() => throw new UdpSocketException(UdpError.Failed, 0, "no descriptor left"), _ => true, this);
        Assert.Equal(0, none.Open("d"));
    }

    public void Dispose()
    {
        _sockets.Dispose();
        Assert.Equal(0, _sockets.Open("d"));
        Assert.All(_made, s => Assert.True(IsClosed(s)));
        _other.Dispose();
        _came.Dispose();
    }

    int ICarrierSink.Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        _came.Add((source, datagrams.ToArray()));
        return 0;
    }

    void ICarrierSink.NoteOpen(in PathAddress path, bool open)
    {
    }

    private IUdpSocket Make()
    {
        _made.Add(UdpSocket.Open(new UdpSocketOptions()));
        return _made[^1];
    }

    private static bool IsClosed(IUdpSocket socket)
    {
        try
        {
            socket.Send([1], UdpEndpoint.From(new IPEndPoint(IPAddress.Loopback, 9)));
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}
