using System.Buffers.Binary;
using CsCheck;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Packets.Offload;

public sealed class SegmentSplitterTests
{
    private const byte AllFlags = 0x80 | 0x10 | 0x08 | 0x01; // CWR, ACK, PSH, FIN

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Tcp_sequence_flags_lengths_and_identifications_are_those_of_separate_segments(bool v4)
    {
        FlowBytes flow = new() { V4 = v4, Options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] };
        byte[] data = Payload(2500);
        List<byte[]> segments = Splitting.All(Header(flow, 1000, VirtioNetHeader.GsoEcn), flow.Make(data, 0xFFFF_FF00, 0xFFFF, AllFlags));
        Assert.Equal(
            [
                flow.Make(data.AsSpan(0, 1000), 0xFFFF_FF00, 0xFFFF, 0x80 | 0x10),
                flow.Make(data.AsSpan(1000, 1000), unchecked(0xFFFF_FF00 + 1000), 0, 0x10),
                flow.Make(data.AsSpan(2000), unchecked(0xFFFF_FF00 + 2000), 1, 0x10 | 0x08 | 0x01),
            ],
            segments);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Udp_datagrams_get_their_own_lengths_and_checksums(bool v4)
    {
        FlowBytes flow = new() { V4 = v4, Tcp = false };
        byte[] data = Payload(2001);
        List<byte[]> datagrams = Splitting.All(Header(flow, 667), flow.Make(data, id: 9));
        Assert.Equal([flow.Make(data.AsSpan(0, 667), id: 9), flow.Make(data.AsSpan(667, 667), id: 10), flow.Make(data.AsSpan(1334), id: 11)], datagrams);
    }

    [Fact]
    public void A_udp_checksum_that_computes_to_zero_is_sent_as_ones()
    {
        FlowBytes flow = new() { Tcp = false };
        byte[] data = new byte[20];
        // The first datagram's payload brings its sum to zero.
        byte[] probe = flow.Make(data.AsSpan(0, 10));
        BinaryPrimitives.WriteUInt16BigEndian(data, BinaryPrimitives.ReadUInt16BigEndian(probe.AsSpan(26)));
        List<byte[]> datagrams = Splitting.All(Header(flow, 10), flow.Make(data));
        Assert.Equal(0xFFFF, BinaryPrimitives.ReadUInt16BigEndian(datagrams[0].AsSpan(26)));
        Assert.All(datagrams, d => Assert.True(ScalarChecksum.IsRight(d)));
    }

    [Fact]
    public void IPv4_options_are_in_every_segment()
    {
        FlowBytes flow = new();
        byte[] plain = flow.Make(Payload(300), 5);
        byte[] packet = [0x46, .. plain.AsSpan(1, 19), 0x94, 0x04, 0, 0, .. plain.AsSpan(20)]; // router alert, RFC 2113
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        VirtioNetHeader header = new(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoTcpV4, 44, 100, 24, 16);
        List<byte[]> segments = Splitting.All(header, packet);
        Assert.Equal(3, segments.Count);
        Assert.All(segments, s =>
        {
            Assert.Equal<byte>([0x94, 0x04, 0, 0], s[20..24]);
            Assert.True(ScalarChecksum.IsRight(s));
        });
    }

    [Fact]
    public void Any_super_packet_becomes_the_segments_that_a_sender_would_have_made() =>
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[1, 20000], Gen.Int[1, 1500], Gen.UInt, Gen.Int[0, 10]).Sample((v4, tcp, length, size, sequence, options) =>
        {
            FlowBytes flow = new() { V4 = v4, Tcp = tcp, Options = tcp ? Payload(options * 4) : [] };
            byte[] data = Payload(length);
            ushort id = (ushort)sequence;
            List<byte[]> segments = Splitting.All(Header(flow, size), flow.Make(data, sequence, v4 ? id : (ushort)0, 0x18), slots: 7);
            Assert.Equal((length + size - 1) / size, segments.Count);
            for (int i = 0; i < segments.Count; i++)
            {
                bool last = i == segments.Count - 1;
                ReadOnlySpan<byte> part = last ? data.AsSpan(i * size) : data.AsSpan(i * size, size);
                Assert.Equal(flow.Make(part, sequence + (uint)(i * size), (ushort)(id + i), (byte)(last ? 0x18 : 0x10)), segments[i]);
            }
        }, iter: 300);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_single_packet_gets_its_checksum_completed(bool v4, bool tcp)
    {
        FlowBytes flow = new() { V4 = v4, Tcp = tcp };
        byte[] whole = flow.Make(Payload(333), 1, 2);
        VirtioNetHeader header = Header(flow, 0) with { GsoType = VirtioNetHeader.GsoNone };
        byte[] partial = Partial(flow, whole);
        Assert.Equal([whole], Splitting.All(header, partial));
        Assert.True(SegmentSplitter.TryComplete(header, partial));
        Assert.Equal(whole, partial);
    }

    [Fact]
    public void A_finished_packet_passes_whatever_it_is()
    {
        byte[] packet = [0xAA, 1, 2];
        Assert.Equal([packet], Splitting.All(default, packet));
        Assert.True(SegmentSplitter.TryComplete(default, packet));
    }

    public static TheoryData<string, Func<VirtioNetHeader, VirtioNetHeader>> BadHeaders => new()
    {
        { "no size", h => h with { GsoSize = 0 } },
        { "headers beyond the packet", h => h with { HeaderLength = 2000 } },
        { "no checksum asked for", h => h with { Flags = 0 } },
        { "other version", h => h with { GsoType = VirtioNetHeader.GsoTcpV6 } },
        { "other protocol", h => h with { GsoType = VirtioNetHeader.GsoUdp } },
        { "UDP fragmentation", h => h with { GsoType = 3 } },
        { "unknown", h => h with { GsoType = 77 } },
        { "sum from elsewhere", h => h with { ChecksumStart = 24 } },
        { "checksum elsewhere", h => h with { ChecksumOffset = 6 } },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Headers_that_do_not_fit_are_refused(string what, Func<VirtioNetHeader, VirtioNetHeader> change)
    {
        FlowBytes flow = new();
        Assert.True(SegmentSplitter.TryParse(Header(flow, 500), flow.Make(Payload(1000)), out _));
        Assert.False(SegmentSplitter.TryParse(change(Header(flow, 500)), flow.Make(Payload(1000)), out _), what);
    }

    [Fact]
    public void Packets_that_cannot_be_cut_are_refused()
    {
        FlowBytes flow = new();
        VirtioNetHeader header = Header(flow, 100);
        Refused(p => p[6] = 0x20, "a first fragment");
        Refused(p => p[7] = 5, "a later fragment");
        Refused(p => p[32] = 0x40, "TCP header too short");
        Refused(p => p[9] = 47, "neither TCP nor UDP");
        Refused(p => p[0] = 0x4F, "headers over each other");
        Refused(p => p[3]--, "bytes behind the packet");
        Assert.False(SegmentSplitter.TryParse(header, flow.Make([]).AsSpan(0, 39), out _));
        Assert.False(SegmentSplitter.TryParse(header, [], out _));
        FlowBytes six = new() { V4 = false };
        byte[] extended = six.Make(Payload(500));
        extended[6] = 60; // destination options
        Assert.False(SegmentSplitter.TryParse(Header(six, 100), extended, out _));

        void Refused(Action<byte[]> change, string what)
        {
            byte[] packet = flow.Make(Payload(500));
            change(packet);
            Assert.False(SegmentSplitter.TryParse(header, packet, out _), what);
        }
    }

    [Fact]
    public void Slots_too_small_take_nothing()
    {
        FlowBytes flow = new();
        Assert.True(SegmentSplitter.TryParse(Header(flow, 100), flow.Make(Payload(250)), out SegmentSplitter splitter));
        byte[] output = new byte[1000];
        Assert.Equal(0, splitter.Split(0, output, 155, 16));
        Assert.Equal(3, splitter.Split(0, output, 156, 16));
        Assert.Equal(0, splitter.Split(3, output, 156, 16));
        Assert.Equal(0, splitter.Split(0, output.AsSpan(0, 155), 156, 16));
        Assert.Equal(-1, output.AsSpan(3 * 156).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        FlowBytes flow = new();
        byte[] packet = flow.Make(Payload(60000)), output = new byte[64 * 1500];
        VirtioNetHeader header = Header(flow, 1400);
        Assert.Equal(43, Once(header, packet, output));
        Assert.Equal(0, Allocations.Least(() => Once(header, packet, output)));

        static int Once(in VirtioNetHeader header, byte[] packet, byte[] output) =>
            SegmentSplitter.TryParse(header, packet, out SegmentSplitter splitter) ? splitter.Split(0, output, 1500, 16) : -1;
    }

    private static VirtioNetHeader Header(FlowBytes flow, int size, byte ecn = 0) => new(
        VirtioNetHeader.NeedsChecksum,
        (byte)((flow.Tcp ? (flow.V4 ? VirtioNetHeader.GsoTcpV4 : VirtioNetHeader.GsoTcpV6) : VirtioNetHeader.GsoUdp) | ecn),
        (ushort)flow.HeaderLength,
        (ushort)size,
        (ushort)flow.TransportOffset,
        (ushort)(flow.Tcp ? 16 : 6));

    /// <summary>As a sender with checksum offload leaves it: the field holds the pseudo-header's sum.</summary>
    private static byte[] Partial(FlowBytes flow, byte[] whole)
    {
        byte[] partial = [.. whole];
        int upper = whole.Length - flow.TransportOffset;
        ulong pseudo = ScalarChecksum.Add(flow.V4 ? whole.AsSpan(12, 8) : whole.AsSpan(8, 32)) + (flow.Tcp ? 6u : 17u) + (uint)upper;
        BinaryPrimitives.WriteUInt16BigEndian(partial.AsSpan(flow.TransportOffset + (flow.Tcp ? 16 : 6)), (ushort)~ScalarChecksum.Finish(pseudo));
        return partial;
    }

    private static byte[] Payload(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }
}
