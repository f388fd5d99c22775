using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Packets.Offload;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Super-packets into one engine, trains between the two, super-packets out of the other: cut again, the stream is what it was.</summary>
public sealed class BatchedEngineTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public static TheoryData<bool, bool, bool> Flows => new(
        from v4 in new[] { true, false } from tcp in new[] { true, false } from whole in new[] { true, false } select (v4, tcp, whole));

    [Theory]
    [MemberData(nameof(Flows))]
    public void A_stream_of_super_packets_comes_out_as_it_was(bool v4, bool tcp, bool whole)
    {
        using End left = new(_time, 1), right = new(_time, 200);
        left.Knows(right);
        right.Knows(left);
        var chance = new Random(v4 ? 1 : 2);
        uint sequence = 1;
        ushort id = 0;

        // The first super-packet finds no session: its segments wait, and go when there is one.
        for (int round = 0; round < 40; round++)
        {
            FlowBytes flow = new() { V4 = v4, Tcp = tcp };
            int segment = chance.Next(1, 1348), count = chance.Next(1, tcp ? 45 : 60);
            List<byte[]> packets = [];
            for (int i = 0; i < count; i++)
            {
                byte[] payload = new byte[i == count - 1 ? chance.Next(1, segment + 1) : segment];
                chance.NextBytes(payload);
                packets.Add(flow.Make(payload, sequence, id++));
                sequence += (uint)payload.Length;
            }

            foreach ((VirtioNetHeader header, byte[] packet, _) in CollectingSink.Run(new PacketCoalescer(new CoalescerOptions()), packets).Writes)
            {
                left.Engine.HandleFrame(header, packet);
            }

            left.Engine.Flush();
            for (int hop = 0; hop < 4; hop++)
            {
                left.Deliver(right, whole);
                right.Deliver(left, whole);
            }

            List<byte[]> got = right.Received.SplitAgain();
            right.Received.Writes.Clear();
            Assert.Equal(packets.Select(Convert.ToHexString), got.Select(Convert.ToHexString));
        }

        Assert.All(Enum.GetValues<DropReason>(), r => Assert.Equal(0, left.Engine.Counters[r] + right.Engine.Counters[r]));
        Assert.True(right.Groups > (whole ? 20 : -1));
    }

    [Fact]
    public void Rubbish_replays_and_foreign_sessions_between_the_datagrams_of_a_flow_cost_nothing_but_themselves()
    {
        using End left = new(_time, 1), right = new(_time, 200);
        left.Knows(right);
        right.Knows(left);
        FlowBytes flow = new();
        byte[][] packets = [.. Enumerable.Range(0, 30).Select(i => flow.Make(new byte[100], 1 + ((uint)i * 100), (ushort)i))];
        left.Engine.HandlePacket(flow.Make([], 0, 0, flags: 2));
        for (int hop = 0; hop < 4; hop++)
        {
            left.Deliver(right, true);
            right.Deliver(left, true);
        }

        right.Received.Writes.Clear();
        foreach (byte[] packet in packets)
        {
            left.Engine.HandlePacket(packet);
        }

        List<byte[]> datagrams = left.TakeSent();
        Assert.Equal(30, datagrams.Count);
        List<byte[]> mixed = [];
        foreach (byte[] datagram in datagrams)
        {
            byte[] forged = [.. datagram], foreign = [.. datagram];
            forged[^1] ^= 1;
            foreign[4] ^= 0xFF;
            mixed.AddRange([datagram, forged, [.. datagram], foreign, [9, 9, 9, 9], []]);
        }

        right.Take(mixed, left.Address);
        Assert.Equal(packets.Select(Convert.ToHexString), right.Received.SplitAgain().Select(Convert.ToHexString));
        DataPlaneCounters drops = right.Engine.Counters;
        Assert.Equal((30, 30, 30), (drops[DropReason.Forged], drops[DropReason.Replayed], drops[DropReason.NoSession]));
        Assert.Equal(60, drops[DropReason.Malformed]);
    }

    private sealed class End : ITunnelOutput, IDisposable
    {
        private readonly LocalStatic _key = new(RandomNumberGenerator.GetBytes(32));
        private readonly int _number;
        private readonly List<(byte[] Bytes, int Size)> _sent = [];

        public End(TimeProvider time, int number)
        {
            _number = number;
            Engine = new TunnelEngine(
                new TunnelEngineOptions
                {
                    Key = _key,
                    Time = time,
                    Offloads = TunOffloads.All,
                    Addresses = [new TunAddress(V4, 16), new TunAddress(V6, 64)],
                },
                this);
        }

        public TunnelEngine Engine { get; }

        public CollectingSink Received { get; } = new();

        public int Groups { get; private set; }

        public UdpEndpoint Address => UdpEndpoint.FromIPv4(0xC0000200u + (uint)_number, 2223);

        private IPAddress V4 => new([10, 42, 0, (byte)_number]);

        private IPAddress V6 => IPAddress.Parse($"fd00::{_number:x}");

        public void Knows(End other) => Engine.SetPeers([new PeerSpec
        {
            DeviceId = "other",
            PublicKey = other._key.PublicKey.ToArray(),
            AllowedPrefixes = [new IPNetwork(other.V4, 32), new IPNetwork(other.V6, 128)],
            Candidates = [other.Address.ToIPEndPoint()],
        }]);

        /// <summary>All that was sent, datagram by datagram.</summary>
        public List<byte[]> TakeSent()
        {
            List<byte[]> all = [.. _sent.SelectMany(s => s.Bytes.Chunk(s.Size))];
            _sent.Clear();
            return all;
        }

        /// <summary>Hands what was sent to the other one, trains whole or each datagram alone.</summary>
        public void Deliver(End other, bool whole)
        {
            if (!whole)
            {
                TakeSent().ForEach(d => other.Engine.HandleDatagram(d, Address));
                return;
            }

            int at = 0;
            List<ReceivedTrain> trains = [];
            foreach ((byte[] bytes, int size) in _sent)
            {
                trains.Add(new ReceivedTrain(at, bytes.Length, size, Address));
                at += bytes.Length;
            }

            byte[] buffer = [.. _sent.SelectMany(s => s.Bytes)];
            _sent.Clear();
            other.Engine.HandleTrains(buffer, trains.ToArray());
        }

        /// <summary>Takes datagrams as one batch.</summary>
        public void Take(List<byte[]> datagrams, UdpEndpoint source)
        {
            int at = 0;
            List<ReceivedTrain> trains = [];
            foreach (byte[] datagram in datagrams)
            {
                trains.Add(new ReceivedTrain(at, datagram.Length, datagram.Length, source));
                at += datagram.Length;
            }

            Engine.HandleTrains(datagrams.SelectMany(d => d).ToArray(), trains.ToArray());
        }

        public bool SendDatagram(ReadOnlySpan<byte> datagram, in UdpEndpoint destination) => SendDatagrams(datagram, datagram.Length, destination);

        public bool SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination)
        {
            _sent.Add((datagrams.ToArray(), segmentSize));
            return true;
        }

        public bool WritePacket(ReadOnlySpan<byte> packet)
        {
            Received.WritePacket(packet);
            return true;
        }

        public bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload)
        {
            Groups++;
            Received.WriteGroup(header, packetHeader, buffer, payload);
            return true;
        }

        public void Dispose()
        {
            Engine.Clear();
            _key.Dispose();
        }
    }
}
