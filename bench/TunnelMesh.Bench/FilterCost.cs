using System.Buffers.Binary;
using System.Diagnostics;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Bench;

/// <summary>
/// Nanoseconds that the packet filter takes for a packet, reading its IP header included, as the data plane does once for both. One thread; medians of slices. Packets lie in memory one behind the other,
/// so that a flow's state is what misses the cache and not the packet.
/// </summary>
internal static class FilterCost
{
    private const int Flows = 10_000, Rules = 100, RunLength = 64;
    private static readonly long Second = TimeProvider.System.TimestampFrequency;

    private delegate int Work(byte[][] packets, long now);

    public static void Run(int rounds, TextWriter output)
    {
        PacketFilter filter = new(TimeProvider.System), open = new(TimeProvider.System);
        open.SetOwn(false, []);
        filter.SetOwn(true, [.. Enumerable.Range(0, Rules).Select(RuleNumber)]);
        FilterPeer peer = filter.Join("id", "nas"), other = open.Join("id", "nas");
        Stopwatch compiling = Stopwatch.StartNew();
        filter.SetOwn(true, [.. Enumerable.Range(0, Rules).Select(RuleNumber)]);
        output.WriteLine($"{Rules} rules are compiled in {compiling.Elapsed.TotalMilliseconds:F2} ms");

        byte[][] sent = [.. Enumerable.Range(0, Flows).Select(i => Packet(true, 17, 20_000 + i, 443))];
        byte[][] answers = [.. Enumerable.Range(0, Flows).Select(i => Packet(false, 17, 443, 20_000 + i))];
        byte[][] allowed = [.. Enumerable.Range(0, Flows).Select(i => Packet(false, 6, 20_000 + i, 1000 + (i % Rules * 2)))];
        byte[][] denied = [.. Enumerable.Range(0, Flows).Select(i => Packet(false, 6, 20_000 + i, 1001 + (i % Rules * 2)))];
        byte[][] one = [.. Enumerable.Repeat(answers[0], Flows)], oneSent = [.. Enumerable.Repeat(sent[0], Flows)];
        InboundGate gate = new(filter), free = new(open);
        OutboundGate outbound = new(filter);

        (string Name, byte[][] Packets, Work Work, int Passes)[] cases =
        [
            ("header alone", answers, (p, _) => p.Count(b => IpPacket.TryParse(b, out IpPacket _)), Flows),
            ("no filter, in", answers, (p, now) => In(free, other, p, now), Flows),
            ("one flow, out", oneSent, (p, now) => Out(outbound, peer, p, now), Flows),
            ($"{Flows} flows in turn, out", sent, (p, now) => Out(outbound, peer, p, now), Flows),
            ("one flow, in", one, (p, now) => In(gate, peer, p, now), Flows),
            ($"{Flows} flows in turn, answers in", answers, (p, now) => In(gate, peer, p, now), Flows),
            ($"{Flows} flows in turn, let in by a rule", allowed, (p, now) => In(gate, peer, p, now), Flows),
            ($"{Flows} flows in turn, dropped", denied, (p, now) => In(gate, peer, p, now), 0),
        ];
        List<double>[] figures = [.. cases.Select(_ => new List<double>())];
        for (int round = 0; round <= rounds * 10; round++)
        {
            for (int i = 0; i < cases.Length; i++)
            {
                // A virtual second later each time, so that flows are marked as seen.
                long now = (round + 1) * Second, start = Stopwatch.GetTimestamp();
                if (cases[i].Work(cases[i].Packets, now) != cases[i].Passes)
                {
                    throw new InvalidOperationException($"{cases[i].Name}: packets were decided wrongly");
                }

                double cost = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Flows;
                if (round >= 5)
                {
                    figures[i].Add(cost);
                }
            }
        }

        output.WriteLine("ns per packet, median of slices (fastest)");
        for (int i = 0; i < cases.Length; i++)
        {
            figures[i].Sort();
            output.WriteLine($"{figures[i][figures[i].Count / 2],8:F1} ({figures[i][0]:F1})  {cases[i].Name}");
        }
    }

    private static FilterRule RuleNumber(int i)
    {
        string source = (i % 4) switch { 0 => "nas", 1 => "group:everyone", _ => "" };
        return FilterRule.TryParse($"{1000 + (i * 2)}", "tcp", "allow", source, out FilterRule rule, out string problem) ? rule : throw new InvalidOperationException(problem);
    }

    private static int In(InboundGate gate, FilterPeer peer, byte[][] packets, long now)
    {
        int passed = 0;
        for (int at = 0; at < packets.Length;)
        {
            gate.Begin(peer, now);
            for (int first = at, end = Math.Min(packets.Length, at + RunLength); at < end; at++)
            {
                if ((at - first) % InboundGate.Ahead == 0)
                {
                    for (int next = at; next < Math.Min(end, at + InboundGate.Ahead); next++)
                    {
                        gate.Expect(packets[next]);
                    }

                    gate.FetchExpected();
                }

                passed += IpPacket.TryParse(packets[at], out IpPacket packet) && gate.Admit(packet) ? 1 : 0;
            }

            gate.End();
        }

        return passed;
    }

    private static int Out(OutboundGate gate, FilterPeer peer, byte[][] packets, long now)
    {
        int noted = 0;
        foreach (byte[] bytes in packets)
        {
            if (IpPacket.TryParse(bytes, out IpPacket packet))
            {
                gate.Note(peer, packet, now);
                noted++;
            }
        }

        gate.Settle();
        return noted;
    }

    private static byte[] Packet(bool outbound, byte protocol, int sourcePort, int destinationPort)
    {
        byte[] packet = new byte[20 + 20];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[9] = protocol;
        byte[] us = [10, 42, 0, 1], them = [10, 42, 0, 2];
        (outbound ? us : them).CopyTo(packet, 12);
        (outbound ? them : us).CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), (ushort)destinationPort);
        (packet[32], packet[33]) = (5 << 4, PacketClass.Ack);
        return packet;
    }
}
