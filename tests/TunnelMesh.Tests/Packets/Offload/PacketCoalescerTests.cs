using System.Buffers.Binary;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Packets.Offload;

public sealed class PacketCoalescerTests
{
    private static readonly FlowBytes Tcp4 = new() { Options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] };

    [Theory]
    [InlineData(true, true, VirtioNetHeader.GsoTcpV4)]
    [InlineData(false, true, VirtioNetHeader.GsoTcpV6)]
    [InlineData(true, false, VirtioNetHeader.GsoUdp)]
    [InlineData(false, false, VirtioNetHeader.GsoUdp)]
    public void Packets_of_a_flow_become_one_write_that_says_how_to_cut_it(bool v4, bool tcp, byte gso)
    {
        FlowBytes flow = new() { V4 = v4, Tcp = tcp };
        List<byte[]> packets = Stream(flow, 4, 100, last: 30);
        CollectingSink sink = CollectingSink.Run(new PacketCoalescer(new CoalescerOptions()), packets);
        (VirtioNetHeader header, byte[] whole, int parts) = Assert.Single(sink.Writes);
        Assert.Equal(4, parts);
        Assert.Equal(new VirtioNetHeader(1, gso, (ushort)flow.HeaderLength, 100, (ushort)flow.TransportOffset, (ushort)(tcp ? 16 : 6)), header);
        Assert.Equal(flow.HeaderLength + 330, whole.Length);
        Assert.Equal(whole.Length, v4 ? BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(2)) : 40 + BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(4)));

        // The field holds the uncomplemented sum of the pseudo-header: completing it as a single packet gives the right checksum.
        Assert.True(SegmentSplitter.TryComplete(header with { GsoType = 0 }, whole));
        Assert.True(ScalarChecksum.IsRight(whole));
        Assert.Equal(packets, sink.SplitAgain());
    }

    public static TheoryData<string, FlowBytes> OtherHeaders => new()
    {
        { "acknowledgement", Tcp4 with { Ack = 78 } },
        { "window", Tcp4 with { Window = 502 } },
        { "options", Tcp4 with { Options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 3] } },
        { "more options", Tcp4 with { Options = [.. Tcp4.Options, 1, 1, 1, 1] } },
        { "type of service", Tcp4 with { Tos = 3 } },
        { "time to live", Tcp4 with { Ttl = 63 } },
        { "fragmenting allowed", Tcp4 with { DontFragment = false } },
    };

    [Theory]
    [MemberData(nameof(OtherHeaders))]
    public void A_packet_with_other_headers_is_written_after_the_group_of_its_flow(string what, FlowBytes other)
    {
        byte[][] packets = [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1), other.Make(new byte[50], 100, 2), other.Make(new byte[50], 150, 3)];
        CollectingSink sink = Run(packets);
        Assert.True(sink.Writes.Select(w => w.Parts).SequenceEqual([2, 2]), what);
        Assert.Equal(packets, sink.SplitAgain());
    }

    [Theory]
    [InlineData(0x11)]
    [InlineData(0x12)]
    [InlineData(0x14)]
    [InlineData(0x30)]
    [InlineData(0x50)]
    [InlineData(0x90)]
    [InlineData(0x00)]
    public void Other_flags_than_ACK_and_PSH_go_alone(byte flags) =>
        Writes([1, 1, 1], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1, flags), Tcp4.Make(new byte[50], 100, 2)]);

    [Fact]
    public void PSH_and_a_shorter_segment_end_the_group()
    {
        Writes([2, 2], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1, 0x18), Tcp4.Make(new byte[50], 100, 2), Tcp4.Make(new byte[50], 150, 3)]);
        Writes([2, 1], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[49], 50, 1), Tcp4.Make(new byte[50], 99, 2)]);
        Writes([1, 2], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[51], 50, 1), Tcp4.Make(new byte[51], 101, 2)]);
        Writes([1, 2], [Tcp4.Make(new byte[50], 0, 0, 0x18), Tcp4.Make(new byte[50], 50, 1), Tcp4.Make(new byte[50], 100, 2)]);
    }

    [Fact]
    public void A_gap_a_repetition_and_a_pure_acknowledgement_end_the_group()
    {
        Writes([1, 1], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 51, 1)]);
        Writes([1, 1], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 0, 1)]);
        Writes([2, 1, 1], [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1), Tcp4.Make([], 100, 2), Tcp4.Make(new byte[50], 100, 3)]);
    }

    [Fact]
    public void Identifications_count_only_where_fragmenting_is_allowed()
    {
        Writes([2], [Tcp4.Make(new byte[50], 0, 7), Tcp4.Make(new byte[50], 50, 7)]);
        FlowBytes fragmentable = Tcp4 with { DontFragment = false };
        Writes([1, 1], [fragmentable.Make(new byte[50], 0, 7), fragmentable.Make(new byte[50], 50, 7)]);
        Writes([2], [fragmentable.Make(new byte[50], 0, 0xFFFF), fragmentable.Make(new byte[50], 50, 0)]);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(11)]
    public void A_damaged_packet_passes_alone_and_unchanged(int at)
    {
        byte[][] packets = [Tcp4.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1), Tcp4.Make(new byte[50], 100, 2)];
        packets[1][at] ^= 1;
        Writes([1, 1, 1], packets);
    }

    [Fact]
    public void A_datagram_without_checksum_or_without_data_passes_alone()
    {
        FlowBytes udp = new() { Tcp = false };
        byte[][] packets = [udp.Make(new byte[50], id: 0), udp.Make(new byte[50], id: 1), udp.Make([], id: 2), udp.Make(new byte[50], id: 3)];
        (packets[1][26], packets[1][27]) = (0, 0);
        Writes([1, 1, 1, 1], packets);
    }

    [Fact]
    public void Fragments_and_unknown_packets_come_after_everything_before_them()
    {
        byte[] icmp = PacketBytes.V4("10.42.0.9", "10.42.0.8", 1, new byte[20]);
        byte[] fragment = PacketBytes.V4("10.42.0.1", "10.42.0.200", 6, new byte[40], 0x2000);
        byte[] destinationOptions = PacketBytes.V6("fd00::1", "fd00::2", 60, [6, 0, 1, 4, 0, 0, 0, 0, .. new byte[20]]);
        FlowBytes other = Tcp4 with { Port = 2 };
        foreach (byte[] between in new[] { icmp, fragment, destinationOptions, [0x45] })
        {
            byte[][] packets = [Tcp4.Make(new byte[50], 0), other.Make(new byte[50], 0), Tcp4.Make(new byte[50], 50, 1), between, Tcp4.Make(new byte[50], 100, 2)];
            CollectingSink sink = Run(packets);
            Assert.Equal([2, 1, 1, 1], sink.Writes.Select(w => w.Parts));
            Assert.Equal(between, sink.Writes[2].Packet);
        }
    }

    [Fact]
    public void Flows_are_joined_side_by_side_and_one_too_many_writes_the_oldest()
    {
        FlowBytes[] flows = [.. Enumerable.Range(0, 3).Select(i => Tcp4 with { Port = (ushort)i })];
        List<byte[]> packets = [];
        for (int i = 0; i < 3; i++)
        {
            packets.AddRange(flows.Select(f => f.Make(new byte[50], (uint)i * 50, (ushort)i)));
        }

        Assert.Equal([3, 3, 3], Run([.. packets]).Writes.Select(w => w.Parts));
        CollectingSink two = CollectingSink.Run(
            new PacketCoalescer(new CoalescerOptions { MaxGroups = 2 }),
            [packets[0], packets[1], packets[4], packets[2], packets[7], packets[5]]);
        Assert.Equal([1, 3, 2], two.Writes.Select(w => w.Parts));
    }

    [Fact]
    public void A_group_ends_before_it_is_too_long_for_a_packet_or_for_the_slices()
    {
        CollectingSink large = Run([.. Stream(Tcp4, 60, 1400)]);
        Assert.Equal([46, 14], large.Writes.Select(w => w.Parts));
        Assert.All(large.Writes, w => Assert.InRange(w.Packet.Length, 1, 65535));
        Assert.Equal([PacketCoalescer.MaxTcpSegments, 72], Run([.. Stream(Tcp4, 200, 10)]).Writes.Select(w => w.Parts));
        Assert.Equal([PacketCoalescer.MaxUdpSegments, 36], Run([.. Stream(new FlowBytes { Tcp = false }, 100, 10)]).Writes.Select(w => w.Parts));
    }

    [Fact]
    public void What_is_switched_off_passes_alone()
    {
        FlowBytes udp = new() { Tcp = false };
        PacketCoalescer none = new(new CoalescerOptions { Tcp = false, Udp = false });
        List<byte[]> packets = [.. Stream(Tcp4, 2, 50), .. Stream(udp, 2, 50)];
        Assert.Equal([1, 1, 1, 1], CollectingSink.Run(none, packets).Writes.Select(w => w.Parts));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        byte[] packet = Tcp4.Make(new byte[1400]), buffer = new byte[64 * packet.Length];
        for (int i = 0; i < 64; i++)
        {
            Tcp4.Make(new byte[1400], (uint)i * 1400, (ushort)i).CopyTo(buffer, i * packet.Length);
        }

        PacketCoalescer coalescer = new(new CoalescerOptions());
        Assert.Equal(2, Once(coalescer, buffer, packet.Length));
        Assert.Equal(0, Allocations.Least(() => Once(coalescer, buffer, packet.Length)));

        static int Once(PacketCoalescer coalescer, byte[] buffer, int length)
        {
            CountingSink sink = default;
            for (int i = 0; i < 64; i++)
            {
                coalescer.Add(buffer, new PacketSlice(i * length, length), ref sink);
            }

            coalescer.Flush(buffer, ref sink);
            return sink.Groups;
        }
    }

    private static List<byte[]> Stream(FlowBytes flow, int count, int length, int? last = null)
    {
        List<byte[]> packets = [];
        byte[] data = new byte[count * length];
        new Random(count).NextBytes(data);
        for (int i = 0; i < count; i++)
        {
            packets.Add(flow.Make(data.AsSpan(i * length, i == count - 1 ? last ?? length : length), (uint)(i * length), (ushort)i));
        }

        return packets;
    }

    private static CollectingSink Run(IReadOnlyList<byte[]> packets) => CollectingSink.Run(new PacketCoalescer(new CoalescerOptions()), packets);

    private static void Writes(int[] parts, byte[][] packets)
    {
        CollectingSink sink = Run(packets);
        Assert.Equal(parts, sink.Writes.Select(w => w.Parts));
        if (parts.Length == packets.Length)
        {
            Assert.Equal(packets, sink.Writes.Select(w => w.Packet));
        }
    }

    private struct CountingSink : IPacketSink
    {
        public int Groups;

        public readonly void WritePacket(scoped ReadOnlySpan<byte> packet) => Assert.Fail("a packet alone");

        public void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload) => Groups++;
    }
}
