using TunnelMesh.Fuzz;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Packets.Offload;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Super-packets in at one TUN, out at the other: cut again, they are the segments that were sent, in order.</summary>
public sealed class SuperPacketTests
{
    /// <summary>How the network passes trains on.</summary>
    public enum Delivery
    {
        Whole,
        Singly,
        Split,
    }

    [Theory]
    [InlineData(Delivery.Whole, TunOffloads.All, 1400)]
    [InlineData(Delivery.Singly, TunOffloads.All, 1400)]
    [InlineData(Delivery.Split, TunOffloads.All, 1399)]
    [InlineData(Delivery.Whole, TunOffloads.None, 1280)]
    [InlineData(Delivery.Split, TunOffloads.Checksum | TunOffloads.Tcp, 9001)]
    public void What_comes_out_cut_again_is_what_went_in(Delivery delivery, TunOffloads offloads, int mtu)
    {
        using var pair = new TrainPair(mtu, offloads);
        pair.Connect();
        (long sentBefore, long receivedBefore) = pair.Bytes();
        long bytes = 0;
        int joined = 0;
        for (int seed = 0; seed < 30; seed++)
        {
            Random random = new(seed);
            FlowBytes[] flows = [.. Enumerable.Range(0, 4).Select(i => Flow(random, (ushort)(1000 + i)))];
            List<byte[]>[] sent = Send(pair.Left, flows, mtu, random);
            Deliver(pair, delivery, random);
            Assert.All(pair.Right.Tun.Writes, w => Assert.True(w.Parts == 1 || offloads.HasFlag(w.Header.GsoType == VirtioNetHeader.GsoUdp ? TunOffloads.Udp : TunOffloads.Tcp)));
            joined += pair.Right.Tun.Writes.Count(w => w.Parts > 1);
            List<byte[]> arrived = pair.Right.Tun.SplitAgain();
            pair.Right.Tun.Writes.Clear();
            Assert.Equal(sent.Sum(s => s.Count), arrived.Count);
            for (int i = 0; i < flows.Length; i++)
            {
                Assert.Equal(sent[i], arrived.Where(p => IsOf(flows[i], p)));
            }

            Assert.All(arrived, p => Assert.True(ScalarChecksum.IsRight(p)));
            bytes += arrived.Sum(p => (long)p.Length);
        }

        Assert.Equal(0, pair.Left.Drops + pair.Right.Drops);
        Assert.Equal((sentBefore + bytes, receivedBefore + bytes), pair.Bytes());
        Assert.Equal(offloads != TunOffloads.None && delivery != Delivery.Singly, joined > 50);
    }

    [Fact]
    public void Trains_of_equal_datagrams_go_in_one_call()
    {
        using var pair = new TrainPair();
        pair.Connect();
        SuperPackets.Take(pair.Left, new FlowBytes(), new byte[40 * 1360 + 100], 1360);
        pair.Left.Engine.Flush();
        Assert.Equal((41, 1400 + 32), pair.Left.Sent.Select(t => (t.Datagrams.Count(), t.SegmentSize)).Single());
    }

    [Theory, InlineData(1), InlineData(7)]
    public void Tiny_segments_pass_however_many_they_are(int size)
    {
        using var pair = new TrainPair();
        pair.Connect();
        FlowBytes flow = new();
        List<byte[]> sent = SuperPackets.Take(pair.Left, flow, [.. Enumerable.Range(0, 3000).Select(i => (byte)i)], size);
        pair.Left.Engine.Flush();
        Assert.True(sent.Count > 400);
        Deliver(pair, Delivery.Whole, new Random(1));
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
    }

    [Theory, InlineData(1400), InlineData(65535)]
    public void Packets_of_65535_bytes_pass_one_after_the_other(int mtu)
    {
        using var pair = new TrainPair(mtu);
        pair.Connect();
        FlowBytes flow = new() { Tcp = false };
        byte[] data = new byte[65535 - flow.HeaderLength];
        List<byte[]> sent = [];
        for (int i = 0; i < 4; i++)
        {
            new Random(i).NextBytes(data);
            sent.Add(flow.Make(data.AsSpan(i)));
            pair.Left.Engine.HandleFrame(default, sent[i]);
        }

        pair.Left.Engine.Flush();
        List<byte[]> datagrams = pair.Left.TakeDatagrams();
        Assert.Equal(4, datagrams.Count);
        datagrams.ForEach(d => pair.Right.Engine.HandleDatagram(d, pair.Left.Address));
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
    }

    [Fact]
    public void Padding_ends_at_an_MTU_that_is_no_multiple_of_16()
    {
        using var pair = new TrainPair(1399);
        pair.Connect();
        FlowBytes flow = new();
        int[] lengths = [1399, 1398, 1393, 1392, 1391, 1, 1500];
        foreach (int length in lengths.Select(l => Math.Max(l, 40)))
        {
            pair.Left.Engine.HandleFrame(default, flow.Make(new byte[length - 40]));
        }

        pair.Left.Engine.Flush();
        Assert.Equal([1399, 1399, 1399, 1392, 1392, 48, 1500], pair.Left.TakeDatagrams().Select(d => d.Length - 32));
    }

    [Fact]
    public void A_super_packet_waits_for_its_session_segment_by_segment()
    {
        using var pair = new TrainPair();
        FlowBytes flow = new();
        byte[] data = new byte[50_000];
        new Random(3).NextBytes(data);
        List<byte[]> sent = SuperPackets.Take(pair.Left, flow, data, 1360);
        sent.AddRange(SuperPackets.Take(pair.Left, flow, data, 1000, 1 + (uint)data.Length));
        pair.Left.Engine.Flush();
        pair.Settle();
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
        Assert.Equal(0, pair.Left.Drops + pair.Right.Drops);
    }

    [Fact]
    public void The_oldest_segments_of_a_super_packet_make_room_and_each_is_counted()
    {
        using var pair = new TrainPair();
        List<byte[]> sent = SuperPackets.Take(pair.Left, new FlowBytes(), new byte[30_000], 100);
        pair.Left.Engine.Flush();
        Assert.Equal(300, sent.Count);
        Assert.Equal(300 - 128, pair.Left.Engine.Counters[DropReason.QueueFull]);
        pair.Settle();
        Assert.Equal(sent.TakeLast(128), pair.Right.Tun.SplitAgain());
    }

    [Fact]
    public void A_super_packet_without_a_way_is_counted_by_segment_and_leaves_its_neighbours_alone()
    {
        using var pair = new TrainPair();
        pair.Connect();
        FlowBytes flow = new();
        List<byte[]> sent = SuperPackets.Take(pair.Left, flow, new byte[5000], 1000);
        byte[] elsewhere = flow.Make(new byte[5000]);
        elsewhere[19] = 77;
        pair.Left.Engine.HandleFrame(SuperPackets.Header(flow, 1000), elsewhere);
        pair.Left.Engine.HandleFrame(SuperPackets.Header(flow, 1000) with { ChecksumOffset = 1 }, elsewhere);
        sent.AddRange(SuperPackets.Take(pair.Left, flow, new byte[5000], 1000, 5001, 5));
        pair.Left.Engine.Flush();
        Assert.Equal((5, 1), (pair.Left.Engine.Counters[DropReason.NoRoute], pair.Left.Engine.Counters[DropReason.Malformed]));
        Assert.Equal(1, pair.Left.Tun.Writes.Count(w => w.Packet[9] == 1 && w.Packet[20] == 3));
        pair.Settle();
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
    }

    [Fact]
    public void Each_refused_datagram_of_a_train_is_counted_once()
    {
        using var pair = new TrainPair();
        pair.Connect();
        int refused = 0;
        pair.Left.Refuses = i => i % 3 == 0 && ++refused > 0;
        SuperPackets.Take(pair.Left, new FlowBytes(), new byte[10_000], 1000);
        pair.Left.Engine.HandleFrame(default, new FlowBytes().Make(new byte[1100]));
        pair.Left.Engine.Flush();
        Assert.InRange(refused, 3, 4);
        Assert.Equal(refused, pair.Left.Engine.Counters[DropReason.SendFailed]);
    }

    [Fact]
    public void A_peer_removed_before_the_batch_goes_costs_its_packets_and_nothing_else()
    {
        using var pair = new TrainPair();
        pair.Connect();
        List<byte[]> lost = SuperPackets.Take(pair.Left, new FlowBytes(), new byte[5000], 1000);
        pair.Left.Engine.SetPeers([]);
        pair.Left.Engine.SetPeers([pair.Right.Spec]);
        pair.Left.Engine.Flush();
        Assert.Empty(pair.Left.Sent);
        Assert.Equal(lost.Count, pair.Left.Engine.Counters[DropReason.SendFailed]);
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        List<byte[]> sent = SuperPackets.Take(pair.Left, new FlowBytes(), new byte[5000], 1000);
        pair.Left.Engine.Flush();
        pair.Settle();
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
    }

    private static FlowBytes Flow(Random random, ushort port)
    {
        bool tcp = random.Next(2) == 0;
        return new FlowBytes { V4 = random.Next(2) == 0, Tcp = tcp, Port = port, Tos = (byte)random.Next(256), Options = tcp ? new byte[random.Next(6) * 4] : [] };
    }

    private static List<byte[]>[] Send(TrainSide side, FlowBytes[] flows, int mtu, Random random)
    {
        List<byte[]>[] sent = [.. flows.Select(_ => new List<byte[]>())];
        uint[] sequence = [0xFFFF_F000, 1, 2, 3];
        for (int burst = random.Next(1, 12); burst > 0; burst--)
        {
            int i = random.Next(flows.Length), most = mtu - flows[i].HeaderLength;
            byte[] data = new byte[random.Next(4) == 0 ? random.Next(1, most) : random.Next(1, 65535 - flows[i].HeaderLength)];
            random.NextBytes(data);
            int size = data.Length > most || random.Next(2) == 0 ? random.Next(most / 3, most + 1) : most;
            if (data.Length <= most && random.Next(2) == 0)
            {
                sent[i].Add(flows[i].Make(data, sequence[i], (ushort)sent[i].Count));
                side.Engine.HandleFrame(default, sent[i][^1]);
            }
            else
            {
                sent[i].AddRange(SuperPackets.Take(side, flows[i], data, size, sequence[i], (ushort)sent[i].Count));
            }

            sequence[i] += (uint)data.Length;
            if (random.Next(3) == 0)
            {
                side.Engine.Flush();
            }
        }

        side.Engine.Flush();
        return sent;
    }

    private static void Deliver(TrainPair pair, Delivery delivery, Random random)
    {
        List<TrainSide.Train> trains = pair.Left.TakeTrains();
        switch (delivery)
        {
            case Delivery.Whole:
                pair.Right.Receive(trains, pair.Left.Address);
                break;
            case Delivery.Singly:
                trains.SelectMany(t => t.Datagrams).ToList().ForEach(d => pair.Right.Engine.HandleDatagram(d, pair.Left.Address));
                break;
            default:
                List<TrainSide.Train> parts = [.. trains.SelectMany(t => Cut(t, random))];
                while (parts.Count > 0)
                {
                    int some = random.Next(1, parts.Count + 1);
                    pair.Right.Receive(parts[..some], pair.Left.Address);
                    parts.RemoveRange(0, some);
                }

                break;
        }
    }

    private static IEnumerable<TrainSide.Train> Cut(TrainSide.Train train, Random random)
    {
        for (int at = 0; at < train.Bytes.Length;)
        {
            int length = Math.Min(train.Bytes.Length - at, random.Next(1, 20) * train.SegmentSize);
            yield return train with { Bytes = train.Bytes[at..(at + length)] };
            at += length;
        }
    }

    private static bool IsOf(FlowBytes flow, byte[] packet)
    {
        int transport = packet[0] >> 4 == 4 ? 20 : 40;
        return packet[transport] << 8 == (flow.Port & 0xFF00) && packet[transport + 1] == (flow.Port & 0xFF);
    }
}
