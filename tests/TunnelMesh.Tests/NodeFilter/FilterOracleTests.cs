using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>The filter against its description, over random rules and defaults, packets both ways, whole and in fragments, and time.</summary>
public class FilterOracleTests
{
    private static readonly string[] Peers = ["nas", "laptop"];
    private static readonly ushort[] LocalPorts = [22, 53, 8000, 8001, 40000, 40001], RemotePorts = [22, 53, 40000];
    private static readonly int[] Starts = [0, 0, 0, 8, 24, 24, 48];
    private static readonly int[] Waits = [5, 15, 100, 245, 305, 3600, 6 * 24 * 3600];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void It_does_what_is_written(int seed)
    {
        Random random = new(seed);
        ChosenGroups groups = new();
        FilteredDevice device = new(groups, null);
        FilterOracle oracle = new() { PicksUpUntil = 120 };
        Dictionary<string, FilterPeer> peers = Peers.ToDictionary(p => p, device.Peer);
        int now = 0, passed = 0, dropped = 0;
        for (int step = 0; step < 30_000; step++)
        {
            switch (random.Next(100))
            {
                case < 3:
                    ChangeRules(random, device, groups, oracle, now);
                    break;
                case < 8:
                    int wait = Waits[random.Next(Waits.Length)];
                    now += wait;
                    device.Time.Advance(TimeSpan.FromSeconds(wait));
                    device.Filter.Tend(device.Now);
                    oracle.Rules.RemoveAll(r => r.Ends <= now);
                    break;
                case < 50:
                    OraclePacket sent = RandomPacket(random);
                    oracle.Sent(sent, now);
                    device.Out(peers[sent.Peer], sent.ToBytes(inbound: false));
                    break;
                default:
                    // Trains of the same packet and mixed ones.
                    OraclePacket first = RandomPacket(random);
                    OraclePacket[] run = [.. Enumerable.Range(0, random.Next(1, 5)).Select(i => i == 0 || random.Next(2) == 0 ? first : RandomPacket(random) with { Peer = first.Peer })];
                    bool[] expected = [.. run.Select(p => oracle.Passes(p, now))];
                    bool[] actual = device.InRun(peers[first.Peer], [.. run.Select(p => p.ToBytes(inbound: true))]);
                    Assert.True(expected.SequenceEqual(actual), $"seed {seed}, step {step}, second {now}: {string.Join(" | ", run.Select((p, i) => $"{p}: {actual[i]}"))}");
                    passed += actual.Count(p => p);
                    dropped += actual.Count(p => !p);
                    break;
            }
        }

        // Neither an open door nor a wall.
        Assert.InRange(passed, 3000, 100_000);
        Assert.InRange(dropped, 3000, 100_000);
    }

    private static void ChangeRules(Random random, FilteredDevice device, ChosenGroups groups, FilterOracle oracle, int now)
    {
        bool open = oracle.IsOpen;
        switch (random.Next(5))
        {
            case 0:
                FilterRule[] own = RandomRules(random);
                Replace(oracle, FilterLayer.Peer, own);
                oracle.Defaults = (RandomDefault(random), oracle.Defaults.Mesh);
                device.Filter.SetOwn(oracle.Defaults.Own, own);
                break;
            case 1:
                FilterRule[] mesh = RandomRules(random);
                int[] services = random.Next(2) == 0 ? [] : [8000];
                Replace(oracle, FilterLayer.Coordinator, mesh);
                Replace(oracle, FilterLayer.Service, [.. services.Select(p => FilteredDevice.Rule($"allow tcp {p}"))]);
                oracle.Defaults = (oracle.Defaults.Own, RandomDefault(random));
                device.Filter.SetMesh(oracle.Defaults.Mesh, mesh, services);
                break;
            case 2:
                FilterRule rule = RandomRule(random);
                int? ttl = random.Next(2) == 0 ? null : random.Next(1, 100) * 5;
                oracle.Rules.RemoveAll(r => r.Layer == FilterLayer.Temporary && r.Rule.IsAboutSame(rule));
                oracle.Rules.Add((FilterLayer.Temporary, rule, ttl is { } seconds ? now + seconds : int.MaxValue));
                Assert.True(device.Filter.TryAddTemporary(rule, ttl is { } holds ? TimeSpan.FromSeconds(holds) : null));
                break;
            case 3:
                string group = random.Next(2) == 0 ? "ops" : "guests";
                oracle.Groups[group] = [.. Peers.Where(_ => random.Next(2) == 0)];
                groups.Set(group, oracle.Groups[group].Select(p => "id of " + p));
                device.Filter.NoteGroups();
                break;
            default:
                foreach (FilterRule old in oracle.Rules.Where(r => r.Layer == FilterLayer.Temporary).Select(r => r.Rule).ToArray())
                {
                    Assert.Equal(1, device.Filter.RemoveTemporary(old, sameAction: true));
                }

                oracle.Rules.RemoveAll(r => r.Layer == FilterLayer.Temporary);
                break;
        }

        if (open && !oracle.IsOpen)
        {
            oracle.PicksUpUntil = now + 120;
        }
    }

    private static void Replace(FilterOracle oracle, FilterLayer layer, FilterRule[] rules)
    {
        oracle.Rules.RemoveAll(r => r.Layer == layer);
        oracle.Rules.AddRange(rules.Distinct().Select(r => (layer, r, int.MaxValue)));
    }

    private static bool? RandomDefault(Random random) => random.Next(4) switch { 0 => true, 1 => null, _ => false };

    private static FilterRule[] RandomRules(Random random) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomRule(random))];

    private static FilterRule RandomRule(Random random)
    {
        string port = random.Next(4) switch { 0 => "any", 1 => "8000-8001", _ => LocalPorts[random.Next(LocalPorts.Length)].ToString(System.Globalization.CultureInfo.InvariantCulture) };
        string protocol = random.Next(5) switch { 0 => "icmp", 1 => "any", 2 => "udp", _ => "tcp" };
        string source = random.Next(8) switch { 0 => "nas", 1 => "laptop", 2 => "group:everyone", 3 => "nobody", 4 => "group:ops", 5 => "group:guests", _ => "any" };
        return FilteredDevice.Rule($"{(random.Next(5) < 2 ? "deny" : "allow")} {protocol} {(protocol == "icmp" ? "any" : port)} {source}");
    }

    private static OraclePacket RandomPacket(Random random)
    {
        PacketKind kind = random.Next(20) switch { 0 => PacketKind.IcmpAlways, 1 => PacketKind.Icmp, 2 => PacketKind.Other, < 9 => PacketKind.Udp, _ => PacketKind.Tcp };
        int flags = random.Next(10);
        OraclePacket packet = new(Peers[random.Next(Peers.Length)], random.Next(2) == 0, kind, LocalPorts[random.Next(LocalPorts.Length)], RemotePorts[random.Next(RemotePorts.Length)]);
        return Wrapped(random, kind != PacketKind.Tcp ? packet : flags switch
        {
            < 3 => packet with { Syn = true },
            3 => packet with { Syn = true, Ack = true },
            4 => packet with { Fin = true, Ack = true },
            5 => packet with { Rst = true },
            _ => packet with { Ack = true },
        });
    }

    // Of few datagrams, so that fragments meet: their numbers come round, too.
    private static OraclePacket Wrapped(Random random, OraclePacket packet) => packet with
    {
        Headers = random.Next(8) == 0 ? (OracleHeaders)random.Next(1, 4) : OracleHeaders.None,
        Part = random.Next(4) == 0 ? new OraclePart((uint)random.Next(1, 3), Starts[random.Next(Starts.Length)], random.Next(3) != 0, random.Next(8) == 0) : null,
    };
}
