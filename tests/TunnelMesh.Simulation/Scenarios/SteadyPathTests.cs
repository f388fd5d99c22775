using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Two engines back to back, without a network that allocates.</summary>
public sealed class SteadyPathTests
{
    private static readonly VirtualWorld World = new(1);
    private static readonly byte[] Small = InnerPacket.Numbered(new IPAddress([10, 86, 0, 1]), new IPAddress([10, 86, 0, 2]), 1, 100);

    [Fact]
    public void On_the_steady_path_nothing_is_allocated()
    {
        using var a = new Side(1);
        using var b = new Side(2);
        a.Connect(b);
        b.Connect(a);
        byte[] packet = InnerPacket.Numbered(a.Address, b.Address, 1, 1000);
        int sent = 0, refused = 0;
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 5000; i++, sent++)
            {
                Pass(a, b, packet);
            }
        }));
        Assert.Equal(sent, b.Packets);

        // Neither do replays, unknown sessions and what is no WireGuard message.
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 5000; i++, refused++)
            {
                Refuse();
            }
        }));
        Assert.Equal(refused, b.Engine.Counters[DropReason.Replayed]);
        Assert.Equal(refused, b.Engine.Counters[DropReason.NoSession]);
        Assert.Equal(refused, b.Engine.Counters[DropReason.Malformed]);

        void Refuse()
        {
            a.Last.AsSpan(0, a.LastLength).CopyTo(b.Frame);
            b.Engine.HandleDatagram(b.Frame.AsSpan(0, a.LastLength), a.Endpoint);
            a.Last.AsSpan(0, a.LastLength).CopyTo(b.Frame);
            b.Frame[5] ^= 1;
            b.Engine.HandleDatagram(b.Frame.AsSpan(0, a.LastLength), a.Endpoint);
            b.Frame[0] = 9;
            b.Engine.HandleDatagram(b.Frame.AsSpan(0, a.LastLength), a.Endpoint);
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Super_packets_through_a_tunnel_with_offloads_allocate_nothing(bool whole)
    {
        using var a = new Side(1, TunOffloads.All);
        using var b = new Side(2, TunOffloads.All);
        a.Connect(b);
        b.Connect(a);
        byte[] packet = InnerPacket.Numbered(a.Address, b.Address, 1, 28 + (40 * 1000));
        var header = new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoUdp, 28, 1000, IpPacket.MinHeaderV4, 6);
        int rounds = 0;
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++, rounds++)
            {
                Round();
            }
        }));
        Assert.Equal(rounds * (40 + 1), b.Packets);
        Assert.Equal(whole ? rounds : 0, b.Groups);
        Assert.Equal(0, Enum.GetValues<DropReason>().Sum(r => a.Engine.Counters[r] + b.Engine.Counters[r]));

        void Round()
        {
            // A super-packet, and a small packet behind it that is not of its length.
            a.Engine.HandleFrame(header, packet);
            a.Engine.Flush();
            Carry(a, b);
            Carry(b, a);
            a.Engine.HandleFrame(default, Small);
            a.Engine.Flush();
            Carry(a, b);
            Carry(b, a);
        }

        void Carry(Side from, Side to)
        {
            if (whole)
            {
                DeliverTrain(from, to);
            }
            else
            {
                Deliver(from, to);
            }
        }
    }

    private static void Pass(Side a, Side b, byte[] packet)
    {
        a.Engine.HandlePacket(packet);
        Deliver(a, b);
        Deliver(b, a);
        Deliver(a, b);
        Deliver(b, a);
    }

    private static void Deliver(Side from, Side to)
    {
        while (from.TryTake(to.Frame, out int length))
        {
            to.Engine.HandleDatagram(to.Frame.AsSpan(0, length), from.Endpoint);
        }
    }

    private static void DeliverTrain(Side from, Side to)
    {
        int count = 0, filled = 0;
        while (from.TryTake(to.Frame.AsSpan(filled), out int length))
        {
            // Datagrams of one length become a train, as the kernel's receive offload makes them.
            ref ReceivedTrain last = ref to.Trains[Math.Max(0, count - 1)];
            if (count > 0 && last.SegmentSize == length)
            {
                last = last with { Length = last.Length + length };
            }
            else
            {
                to.Trains[count++] = new ReceivedTrain(filled, length, length, from.Endpoint);
            }

            filled += length;
        }

        if (count > 0)
        {
            to.Engine.HandleTrains(to.Frame, to.Trains.AsSpan(0, count));
        }
    }

    private sealed class Side : ITunnelOutput, IDisposable
    {
        private const int Slots = 64;
        private readonly byte[][] _sent = [.. Enumerable.Range(0, Slots).Select(_ => new byte[2048])];
        private readonly int[] _lengths = new int[Slots];
        private readonly int _number;
        private int _first, _count;

        public Side(int number, TunOffloads offloads = TunOffloads.None)
        {
            _number = number;
            byte[] key = new byte[32];
            World.Chance.NextBytes(key);
            Key = new LocalStatic(key);
            Engine = new TunnelEngine(
                new TunnelEngineOptions { Key = Key, Time = new HostClock(World, TimeSpan.FromSeconds(1)), Random = World.Chance.NextBytes, Addresses = [new TunAddress(Address, 24)], Offloads = offloads }, this);
        }

        public LocalStatic Key { get; }

        public TunnelEngine Engine { get; }

        public IPAddress Address => new([10, 86, 0, (byte)_number]);

        public UdpEndpoint Endpoint => UdpEndpoint.FromIPv4(0xC6336400u + (uint)_number, 51820);

        public byte[] Frame { get; } = new byte[Slots * 2048];

        public ReceivedTrain[] Trains { get; } = new ReceivedTrain[Slots];

        public byte[] Last { get; } = new byte[2048];

        public int LastLength { get; private set; }

        public int Packets { get; private set; }

        public int Groups { get; private set; }

        public void Connect(Side other) => Engine.SetPeers([new PeerSpec
        {
            DeviceId = "other",
            PublicKey = other.Key.PublicKey.ToArray(),
            AllowedPrefixes = [new IPNetwork(other.Address, 32)],
            Candidates = [other.Endpoint.ToIPEndPoint()],
        }]);

        public bool TryTake(Span<byte> buffer, out int length)
        {
            length = 0;
            if (_count == 0)
            {
                return false;
            }

            length = _lengths[_first];
            _sent[_first].AsSpan(0, length).CopyTo(buffer);
            _first = (_first + 1) % Slots;
            _count--;
            return true;
        }

        public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination)
        {
            int at = (_first + _count++) % Slots;
            datagram.CopyTo(_sent[at]);
            datagram.CopyTo(Last);
            _lengths[at] = LastLength = datagram.Length;
            return true;
        }

        public bool WritePacket(ReadOnlySpan<byte> packet)
        {
            Packets++;
            return true;
        }

        public bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload)
        {
            Packets += payload.Length;
            Groups++;
            return true;
        }

        public void Dispose() => Key.Dispose();
    }
}
