using System.Runtime.InteropServices;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

/// <summary>A network in memory behind the calls of Winsock: what is sent is there for whoever has the address. As Windows does, it sets an event with each datagram, and again when one is taken and more are left.</summary>
internal sealed unsafe class FakeWinsock(FakeWinsock.Network network, UdpEndpoint self, AutoResetEvent arrived) : IWinsock
{
    private readonly Queue<(byte[] Datagram, UdpEndpoint Source)> _incoming = new();

    /// <summary>Errors that receiving gives before anything else.</summary>
    public Queue<int> ReceiveErrors { get; } = new();

    /// <summary>Errors that sending gives before it works, singly and as a train.</summary>
    public Queue<int> SendErrors { get; } = new();

    public Queue<int> TrainErrors { get; } = new();

    /// <summary>Calls and bytes, as they came.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>Whether <see cref="Sent"/> is kept.</summary>
    public bool Notes { get; init; } = true;

    public void Arrive(ReadOnlySpan<byte> datagram, UdpEndpoint source)
    {
        lock (_incoming)
        {
            _incoming.Enqueue((datagram.ToArray(), source));
            arrived.Set();
        }
    }

    public int ReceiveFrom(SafeHandle socket, byte* buffer, int length, byte* name)
    {
        if (ReceiveErrors.TryDequeue(out int error))
        {
            return -error;
        }

        lock (_incoming)
        {
            if (!_incoming.TryDequeue(out (byte[] Datagram, UdpEndpoint Source) next))
            {
                return -Winsock.WouldBlock;
            }

            if (_incoming.Count > 0)
            {
                arrived.Set();
            }

            _ = SocketNameFormat.Windows.Write(name, next.Source, v6: true);
            if (next.Datagram.Length > length)
            {
                next.Datagram.AsSpan(0, length).CopyTo(new Span<byte>(buffer, length));
                return -Winsock.MessageSize;
            }

            next.Datagram.CopyTo(new Span<byte>(buffer, length));
            return next.Datagram.Length;
        }
    }

    public int SendTo(SafeHandle socket, byte* datagram, int length, byte* name, int nameLength)
    {
        Assert.Equal(28, nameLength);
        Note($"one {length}");
        return SendErrors.TryDequeue(out int error) ? -error : Deliver(new ReadOnlySpan<byte>(datagram, length), length, name);
    }

    public int SendTrain(SafeHandle socket, byte* datagrams, int length, int segmentSize, byte* name, int nameLength)
    {
        Assert.Equal(28, nameLength);
        Note($"train {length}/{segmentSize}");
        return TrainErrors.TryDequeue(out int error) ? -error : Deliver(new ReadOnlySpan<byte>(datagrams, length), segmentSize, name);
    }

    private void Note(string line)
    {
        if (Notes)
        {
            Sent.Add(line);
        }
    }

    private int Deliver(ReadOnlySpan<byte> datagrams, int segmentSize, byte* name)
    {
        network.Deliver(datagrams, segmentSize, SocketNameFormat.Windows.Read(name), self);
        return datagrams.Length;
    }

    /// <summary>Who is where.</summary>
    internal sealed class Network
    {
        private readonly Dictionary<UdpEndpoint, FakeWinsock> _ends = [];

        /// <summary>A socket on this network.</summary>
        public (WindowsUdpSocket Socket, FakeWinsock Winsock) Open(UdpEndpoint address, UdpOffloads offloads = UdpOffloads.Segmentation, bool notes = true)
        {
            AutoResetEvent arrived = new(false);
            FakeWinsock winsock = new(this, address, arrived) { Notes = notes };
            lock (_ends)
            {
                _ends.Add(address, winsock);
            }

            System.Net.Sockets.Socket socket = UdpBinding.Open(new UdpSocketOptions(), out _);
            return (new WindowsUdpSocket(socket, hasIPv6: true, offloads, TimeProvider.System, arrived, winsock), winsock);
        }

        public void Deliver(ReadOnlySpan<byte> datagrams, int segmentSize, UdpEndpoint destination, UdpEndpoint source)
        {
            FakeWinsock? to;
            lock (_ends)
            {
                to = _ends.GetValueOrDefault(destination);
            }

            if (datagrams.IsEmpty)
            {
                to?.Arrive(datagrams, source);
            }

            for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
            {
                to?.Arrive(datagrams[..Math.Min(segmentSize, datagrams.Length)], source);
            }
        }
    }
}
