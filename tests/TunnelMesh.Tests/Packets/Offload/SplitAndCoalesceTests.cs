using CsCheck;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Tests.Packets.Offload;

/// <summary>Cutting, joining and cutting again gives what was sent: for any mixture of flows, byte for byte and in order.</summary>
public sealed class SplitAndCoalesceTests
{
    private sealed record Burst(int Flow, int Length, int Size, bool Push, int Between);

    private static readonly Gen<FlowBytes> Flow = Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[0, 5], Gen.Byte, Gen.Bool, Gen.Byte).Select(
        (v4, tcp, options, tos, df, fill) => new FlowBytes
        {
            V4 = v4,
            Tcp = tcp,
            Tos = tos,
            DontFragment = df,
            Options = tcp ? [.. Enumerable.Repeat(fill, options * 4)] : [],
        });

    private static readonly Gen<Burst> AnyBurst = Gen.Select(Gen.Int[0, 3], Gen.Int[1, 9000], Gen.Int[1, 1400], Gen.Bool, Gen.Int[0, 9]).Select(
        (flow, length, size, push, between) => new Burst(flow, length, size, push, between));

    [Fact]
    public void Split_then_coalesced_then_split_is_the_same_for_every_flow()
    {
        int joined = 0;
        Gen.Select(Flow.Array[4], AnyBurst.Array[1, 12], Gen.Int[0, int.MaxValue], Gen.Int[1, 8]).Sample((shapes, bursts, seed, groups) =>
        {
            Random random = new(seed);
            FlowBytes[] flows = [.. shapes.Select((f, i) => f with { Port = (ushort)(1000 + i) })];
            List<byte[]>[] sent = [.. flows.Select(_ => new List<byte[]>())];
            Send(flows, bursts, sent, random);
            List<byte[]> wire = Interleave(sent, bursts, random);

            CollectingSink sink = CollectingSink.Run(new PacketCoalescer(new CoalescerOptions { MaxGroups = groups }), wire);
            List<byte[]> arrived = sink.SplitAgain();
            Interlocked.Add(ref joined, sink.Writes.Count(w => w.Parts > 1));

            Assert.Equal(wire.Count, arrived.Count);
            for (int i = 0; i < flows.Length; i++)
            {
                Assert.Equal(sent[i], arrived.Where(p => IsOf(flows[i], p)));
            }

            Assert.Equal(wire.Where(IsIcmp), arrived.Where(IsIcmp));
            Assert.All(arrived.Where(p => !IsIcmp(p)), p => Assert.True(ScalarChecksum.IsRight(p)));
        }, iter: 200);
        Assert.True(joined > 200, "hardly anything was joined: the property held of nothing");
    }

    /// <summary>Each burst is a super-packet as the kernel would hand it over, cut by the splitter.</summary>
    private static void Send(FlowBytes[] flows, Burst[] bursts, List<byte[]>[] sent, Random random)
    {
        uint[] sequence = [0xFFFF_F000, 1, 2, 3];
        ushort[] id = [0, 0xFFFF, 77, 5];
        foreach (Burst burst in bursts)
        {
            FlowBytes flow = flows[burst.Flow];
            byte[] data = new byte[burst.Length];
            random.NextBytes(data);
            byte[] super = flow.Make(data, sequence[burst.Flow], flow.V4 ? id[burst.Flow] : (ushort)0, (byte)(burst.Push ? 0x18 : 0x10));
            VirtioNetHeader header = new(
                VirtioNetHeader.NeedsChecksum,
                flow.Tcp ? (flow.V4 ? VirtioNetHeader.GsoTcpV4 : VirtioNetHeader.GsoTcpV6) : VirtioNetHeader.GsoUdp,
                (ushort)flow.HeaderLength,
                (ushort)burst.Size,
                (ushort)flow.TransportOffset,
                (ushort)(flow.Tcp ? 16 : 6));
            List<byte[]> segments = Splitting.All(header, super);
            sent[burst.Flow].AddRange(segments);
            sequence[burst.Flow] += (uint)burst.Length;
            id[burst.Flow] += (ushort)segments.Count;
        }
    }

    private static List<byte[]> Interleave(List<byte[]>[] sent, Burst[] bursts, Random random)
    {
        List<byte[]> wire = [];
        int[] next = new int[sent.Length];
        while (true)
        {
            int[] left = [.. Enumerable.Range(0, sent.Length).Where(i => next[i] < sent[i].Count)];
            if (left.Length == 0)
            {
                return wire;
            }

            int flow = left[random.Next(left.Length)], run = random.Next(1, 20);
            for (int i = 0; i < run && next[flow] < sent[flow].Count; i++)
            {
                wire.Add(sent[flow][next[flow]++]);
            }

            if (random.Next(10) < bursts[0].Between)
            {
                wire.Add(PacketBytes.V4("10.42.0.9", "10.42.0.8", 1, [8, 0, .. BitConverter.GetBytes(wire.Count)]));
            }
        }
    }

    private static bool IsIcmp(byte[] packet) => packet[0] == 0x45 && packet[9] == 1;

    private static bool IsOf(FlowBytes flow, byte[] packet)
    {
        int transport = packet[0] >> 4 == 4 ? 20 : 40;
        return !IsIcmp(packet) && packet[transport] << 8 == (flow.Port & 0xFF00) && packet[transport + 1] == (flow.Port & 0xFF);
    }
}
