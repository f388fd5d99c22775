using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Packets.Offload;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>One buffer with datagrams of every kind: each has its own fate, and none touches its neighbour.</summary>
public sealed class MixedTrainTests
{
    private static readonly UdpEndpoint Elsewhere = UdpEndpoint.FromIPv4(0xCB007109, 4000);

    [Fact]
    public void Echoes_made_in_place_garbage_and_copies_between_the_data_of_two_flows_leave_both_whole()
    {
        using var pair = new TrainPair();
        using var third = new TrainSide(pair.Time, 2);
        third.Engine.SetPeers([pair.Right.Spec]);
        pair.Right.Engine.SetPeers([pair.Left.Spec, third.Spec]);
        pair.Connect();
        List<byte[]> theirs = SuperPackets.Take(third, new FlowBytes { Host = 2 }, Filled(1, 20_000), 1000);
        third.Engine.Flush();
        while (third.Sent.Count + pair.Right.Sent.Count > 0)
        {
            TrainPair.Carry(third, pair.Right);
            TrainPair.Carry(pair.Right, third);
        }

        pair.Right.Tun.Writes.Clear();
        List<byte[]> ours = SuperPackets.Take(pair.Left, new FlowBytes(), Filled(2, 20_000), 1000);
        pair.Left.Engine.Flush();
        List<byte[]> data = pair.Left.TakeDatagrams();
        List<byte[]> others = SuperPackets.Take(third, new FlowBytes { Host = 2 }, Filled(3, 20_000), 1000, 20_001, 20);
        third.Engine.Flush();
        List<byte[]> otherData = third.TakeDatagrams();

        // The right one seems to have moved: the left one asks at the old address, and at the new one whether somebody is there.
        pair.Right.Engine.HandlePacket(Answer());
        pair.Left.Receive(pair.Right.TakeTrains(), Elsewhere);
        pair.Left.Engine.RunTimers();
        List<byte[]> probes = pair.Left.TakeDatagrams();
        Assert.Equal(2, probes.Count);

        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        initiation[0] = WireGuardMessage.Initiation;
        List<byte[]> wire =
        [
            .. data[..5], probes[0], [1, 2, 3], .. data[5..8], [.. data[3]], initiation, .. otherData[..7], .. data[8..15],
            Changed(data[16], 40), probes[1], .. otherData[7..], .. data[15..19], Changed(data[19], 5), data[19], [.. probes[1]],
        ];
        pair.Right.Receive([.. wire.Select(d => TrainSide.Train.Of(d) with { Source = otherData.Contains(d) ? third.Address : null })], pair.Left.Address);

        Assert.Equal(ours, pair.Right.Tun.SplitAgain().Where(p => p[15] == 1));
        Assert.Equal(others, pair.Right.Tun.SplitAgain().Where(p => p[15] == 2));
        Assert.Equal([20, 20], pair.Right.Tun.Writes.Select(w => w.Parts));
        DataPlaneCounters counters = pair.Right.Engine.Counters;
        Assert.Equal((1, 1, 2, 1, 5), (counters[DropReason.Malformed], counters[DropReason.Forged], counters[DropReason.Replayed], counters[DropReason.NoSession], pair.Right.Drops));

        // The echoes open, and are those of the probes: the new address is taken when the old one has not answered in time.
        List<byte[]> echoes = pair.Right.TakeDatagrams();
        Assert.Equal(probes.Select(p => p.Length), echoes.Select(e => e.Length));
        echoes.ForEach(e => pair.Left.Engine.HandleDatagram(e, Elsewhere));
        Assert.Equal(0, pair.Left.Drops);

        // And only at full size.
        pair.Left.Engine.RunTimers();
        pair.Right.Receive(pair.Left.TakeTrains(), pair.Left.Address);
        pair.Left.Receive(pair.Right.TakeTrains(), Elsewhere);
        pair.Time.Advance(PathTiming.Patience);
        pair.Left.Engine.RunTimers();
        Assert.Equal(Elsewhere.ToString(), pair.Left.Engine.GetStats()[0].Endpoint);
    }

    [Fact]
    public void A_session_confirmed_in_the_middle_of_a_buffer_loses_nothing_of_either_session()
    {
        using var pair = new TrainPair();
        pair.Connect();
        pair.Time.Advance(TimeSpan.FromSeconds(121));
        List<byte[]> sent = SuperPackets.Take(pair.Left, new FlowBytes(), Filled(1, 20_000), 1000);
        pair.Left.Engine.Flush();
        List<byte[]> old = pair.Left.TakeDatagrams();
        pair.Left.Engine.RunTimers();
        byte[] initiation = Assert.Single(pair.Left.TakeDatagrams(), d => d[0] == WireGuardMessage.Initiation);

        // The initiation comes in between data of the old session.
        pair.Right.Receive([.. old[..6].Append(initiation).Concat(old[6..10]).Select(TrainSide.Train.Of)], pair.Left.Address);
        TrainPair.Carry(pair.Right, pair.Left);
        sent.AddRange(SuperPackets.Take(pair.Left, new FlowBytes(), Filled(2, 20_000), 1000, 20_001, 20));
        pair.Left.Engine.Flush();
        List<byte[]> fresh = pair.Left.TakeDatagrams();
        uint[] indexes = [.. old.Concat(fresh).Select(d => BitConverter.ToUInt32(d, 4)).Distinct()];
        Assert.Equal(2, indexes.Length);

        // The first packets of the new session overtake the last of the old one.
        pair.Right.Receive([.. old[10..15].Concat(fresh[..^10]).Concat(old[15..]).Concat(fresh[^10..]).Select(TrainSide.Train.Of)], pair.Left.Address);
        Assert.Equal(0, pair.Right.Drops + pair.Left.Drops);
        Assert.Equal(sent.Order(Bytes), pair.Right.Tun.SplitAgain().Order(Bytes));

        // From now on the right one sends on the new session.
        pair.Right.Sent.Clear();
        pair.Right.Engine.HandlePacket(Answer());
        TrainPair.Carry(pair.Right, pair.Left);
        Assert.Single(pair.Left.Tun.Writes);
        Assert.Equal(0, pair.Left.Drops);
    }

    [Fact]
    public void What_waited_for_the_confirmation_goes_when_a_run_confirms_behind_forged_copies()
    {
        using var pair = new TrainPair();
        List<byte[]> sent = SuperPackets.Take(pair.Left, new FlowBytes(), Filled(1, 5000), 1000);
        pair.Left.Engine.Flush();
        TrainPair.Carry(pair.Left, pair.Right);
        TrainPair.Carry(pair.Right, pair.Left);
        List<byte[]> data = [.. pair.Left.TakeDatagrams().Where(d => d[0] == WireGuardMessage.Transport)];
        pair.Right.Engine.HandlePacket(Answer());
        Assert.DoesNotContain(pair.Right.TakeDatagrams(), d => d[0] == WireGuardMessage.Transport);

        pair.Right.Receive([.. data.Select(d => Changed(d, 30)).Concat(data).Concat(data).Append(Changed(data[0], 5)).Select(TrainSide.Train.Of)], pair.Left.Address);
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
        Assert.Equal((data.Count, data.Count), (pair.Right.Engine.Counters[DropReason.Forged], pair.Right.Engine.Counters[DropReason.Replayed]));
        TrainPair.Carry(pair.Right, pair.Left);
        Assert.Single(pair.Left.Tun.Writes);
    }

    [Fact]
    public void A_session_is_confirmed_by_what_comes_in_before_the_next_initiation_of_the_same_buffer()
    {
        using var pair = new TrainPair();
        SuperPackets.Take(pair.Left, new FlowBytes(), Filled(1, 5000), 1000);
        pair.Left.Engine.Flush();
        TrainPair.Carry(pair.Left, pair.Right);
        TrainPair.Carry(pair.Right, pair.Left);
        List<byte[]> wire = [.. pair.Left.TakeDatagrams().Where(d => d[0] == WireGuardMessage.Transport)];
        pair.Time.Advance(TimeSpan.FromSeconds(121));
        SuperPackets.Take(pair.Left, new FlowBytes(), Filled(1, 5000), 1000);
        pair.Left.Engine.Flush();
        pair.Left.Engine.RunTimers();
        wire.Add(Assert.Single(pair.Left.TakeDatagrams(), d => d[0] == WireGuardMessage.Initiation));
        pair.Right.Engine.HandlePacket(Answer());
        pair.Right.Sent.Clear();

        pair.Right.Receive([.. wire.Select(TrainSide.Train.Of)], pair.Left.Address);
        Assert.Contains(pair.Right.Sent, t => t.Bytes[0] == WireGuardMessage.Response);
        pair.Right.TakeDatagrams().Where(d => d[0] == WireGuardMessage.Transport).ToList().ForEach(d => pair.Left.Engine.HandleDatagram(d, pair.Right.Address));
        Assert.Single(pair.Left.Tun.Writes);
        Assert.Equal(0, pair.Left.Drops + pair.Right.Drops);
    }

    [Fact]
    public void A_run_longer_than_one_batch_is_opened_whole()
    {
        using var pair = new TrainPair();
        pair.Connect();
        List<byte[]> sent = SuperPackets.Take(pair.Left, new FlowBytes(), Filled(1, 1000), 3);
        pair.Left.Engine.Flush();
        List<byte[]> data = pair.Left.TakeDatagrams();
        pair.Right.Receive([new TrainSide.Train([.. data.Concat(data).SelectMany(d => d)], data[0].Length, default)], pair.Left.Address);
        Assert.Equal(334, sent.Count);
        Assert.Equal(sent, pair.Right.Tun.SplitAgain());
        Assert.Equal(334, pair.Right.Engine.Counters[DropReason.Replayed]);
    }

    private static IComparer<byte[]> Bytes { get; } = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    private static byte[] Filled(int seed, int length)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static byte[] Changed(byte[] datagram, int at)
    {
        byte[] changed = [.. datagram];
        changed[at] ^= 0x10;
        return changed;
    }

    /// <summary>A packet from the right one to the left one.</summary>
    private static byte[] Answer()
    {
        byte[] packet = new FlowBytes { Host = 200, Tcp = false }.Make([1, 2, 3]);
        packet[19] = 1;
        return packet;
    }
}
