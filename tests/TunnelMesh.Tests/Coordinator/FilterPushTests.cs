using System.Diagnostics;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>What the coordinator says to the packet filter reaches every peer, over real streams.</summary>
public sealed class FilterPushTests
{
    private static readonly FilterRule Rule = new(new PortRange(22, 22), FilterProtocol.Tcp, FilterAction.Deny, new FilterSource(FilterSourceKind.Peer, "guest"));

    [Fact]
    public async Task A_change_reaches_those_who_are_there_and_those_who_come_later()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Filter = new MapFilter { ServicePorts = [9443] } });
        TestPeer a = await mesh.PeerAsync("a"), b = await mesh.PeerAsync("b");
        NetworkMap first = await a.UntilAsync(m => m.Filter is not null);
        Assert.Equal([9443], first.Filter!.ServicePorts);
        await b.UntilAsync(m => m.Filter is not null);

        mesh.Server.SetFilter(MeshRules.ToWire(true, [Rule], [443, 9443]));
        foreach (TestPeer peer in new[] { a, b })
        {
            MapFilter said = (await peer.UntilAsync(m => m.Filter!.Rules.Count == 1)).Filter!;
            Assert.Equal((true, 2), (said.DefaultDeny, said.ServicePorts.Count));
            Assert.Equal([Rule], MeshRules.Parse(said, out int refused));
            Assert.Equal(0, refused);
        }

        TestPeer later = await mesh.PeerAsync("c");
        Assert.True((await later.UntilAsync(m => m.Filter?.DefaultDeny is not null)).Filter!.DefaultDeny);
    }

    [Fact]
    public async Task A_change_takes_effect_on_a_hundred_peers_within_half_a_second()
    {
        const int Peers = 100;
        await using TestMesh mesh = await TestMesh.StartAsync();
        int holding = 0;
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        for (int i = 0; i < Peers; i++)
        {
            JoinRequest request = mesh.Request($"peer-{i}");
            JoinResult joined = await mesh.JoinAsync(request);
            PacketFilter filter = new(TimeProvider.System);
            TestPeer peer = mesh.Run(request, joined.Certificate, onMap: change =>
            {
                if (change.FilterChanged && change.Map.Filter is { Rules.Count: > 0 } said)
                {
                    filter.SetMesh(said.DefaultDeny, MeshRules.Parse(said, out _), said.ServicePorts);
                    if (Interlocked.Increment(ref holding) == Peers)
                    {
                        all.TrySetResult();
                    }
                }
            });
            await peer.UntilAsync(_ => true);
        }

        List<TimeSpan> took = [];
        for (ushort round = 1; round <= 5; round++)
        {
            (holding, all) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            long start = Stopwatch.GetTimestamp();
            mesh.Server.SetFilter(MeshRules.ToWire(null, [Rule, Rule with { Ports = new PortRange(round, round) }], []));
            await all.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            took.Add(Stopwatch.GetElapsedTime(start));
        }

        // Whatever else runs on this machine does not run all the time.
        TestContext.Current.SendDiagnosticMessage($"a hundred peers had a change after {string.Join(", ", took.Select(t => $"{t.TotalMilliseconds:F0}"))} ms");
        Assert.InRange(took.Min(), TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
    }
}
