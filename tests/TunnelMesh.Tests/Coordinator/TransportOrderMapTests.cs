using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Orders of transports on their way from a coordinator's state to the peers.</summary>
public sealed class TransportOrderMapTests
{
    private static readonly PathTransport[] All = [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay];
    private static readonly MeshInfo Mesh = new() { MeshId = "0123456789", Cidr = "10.42.0.0/16", Cidr6 = "fd01:2345:6789::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static TransportOrderResult Changed(string id, long number, params TransportOrderRow[] orders) => new(TransportOrderOutcome.Changed, id, orders, number);

    [Fact]
    public void A_change_is_a_delta_of_the_device_alone_without_its_record()
    {
        DeviceRow a = LiveMapTests.Row("a", 1), b = LiveMapTests.Row("b", 2);
        LiveMap map = new("e", 5, Mesh, [a, b], [new TransportOrderRow(b.Id, null, ["relay"], 4)]);
        Assert.Null(map.TakeDelta());
        map.Apply(Changed(a.Id, 6, new TransportOrderRow(a.Id, null, ["ssh"], 6)));
        MapDelta delta = map.TakeDelta()!;
        Assert.Equal((5, 6), (delta.From, delta.Number));
        Assert.Empty(delta.Upserted);
        PresenceChange change = Assert.Single(delta.Presence);
        Assert.Equal((a.Id, "ssh", 6L), (change.Id, Assert.Single(Assert.Single(change.Preferences!).Transports), change.Preferences![0].Number));
        Assert.Null(change.Endpoints);
        Assert.Equal(["ssh", "relay"], map.Snapshot().Devices.OrderBy(d => d.Name).Select(d => Assert.Single(Assert.Single(d.Preferences!).Transports)));

        // Presence says nothing of it; nor does a registration take it away.
        map.SetPresence(a.Id, true, 1, null);
        Assert.Null(Assert.Single(map.TakeDelta()!.Presence).Preferences);
        map.Apply(new RegistrationResult(a with { ProgramVersion = "2" }, false, true, 7));
        Assert.NotNull(Assert.Single(map.TakeDelta()!.Upserted).Preferences);

        // The answer to an older change that comes late changes nothing; taken away is told as none.
        map.Apply(Changed(a.Id, 9));
        map.Apply(Changed(a.Id, 8, new TransportOrderRow(a.Id, null, ["relay"], 8)));
        Assert.Empty(Assert.Single(map.TakeDelta()!.Presence).Preferences!);
        map.Apply(new TransportOrderResult(TransportOrderOutcome.Unchanged, a.Id, [], 9));
        Assert.Null(map.TakeDelta());
    }

    [Fact]
    public void An_order_of_a_pair_ends_with_either_device()
    {
        DeviceRow a = LiveMapTests.Row("a", 1), b = LiveMapTests.Row("b", 2), c = LiveMapTests.Row("c", 3);
        LiveMap map = new("e", 5, Mesh, [a, b, c], [new TransportOrderRow(a.Id, b.Id, ["relay"], 4), new TransportOrderRow(a.Id, c.Id, ["ssh"], 5)]);
        map.Apply(new RemovalResult([b.Id], 6));
        MapDelta delta = map.TakeDelta()!;
        Assert.Equal([b.Id], delta.Removed);
        Assert.Equal(c.Id, Assert.Single(Assert.Single(delta.Presence).Preferences!).With);
        // Set just before the device went, and answered after it.
        map.Apply(Changed(a.Id, 7, new TransportOrderRow(a.Id, b.Id, ["relay"], 4)));
        Assert.Empty(Assert.Single(map.TakeDelta()!.Presence).Preferences!);
    }

    [Fact]
    public void What_was_kept_for_a_device_does_not_come_back_with_it_in_whatever_order_the_disk_answers()
    {
        DeviceRow a = LiveMapTests.Row("a", 1), b = LiveMapTests.Row("b", 2), c = LiveMapTests.Row("c", 3);
        LiveMap map = new("e", 5, Mesh, [a, b, c]);
        map.Apply(new RemovalResult([b.Id], 8));
        map.Apply(new RegistrationResult(b, true, true, 9));

        // Set before it went.
        map.Apply(Changed(b.Id, 6, new TransportOrderRow(b.Id, null, ["ssh"], 6)));
        map.Apply(Changed(a.Id, 7, new TransportOrderRow(a.Id, b.Id, ["ssh"], 7), new TransportOrderRow(a.Id, c.Id, ["relay"], 4)));
        Assert.Equal(["a+c"], Kept());
        map.Apply(Changed(b.Id, 10, new TransportOrderRow(b.Id, null, ["ssh"], 10)));
        map.Apply(Changed(a.Id, 11, new TransportOrderRow(a.Id, b.Id, ["ssh"], 11)));
        Assert.Equal(["a+b", "b+"], Kept());

        // It goes and comes back once more, and the removal is the last to be told; what was set since then stays.
        map.Apply(new RegistrationResult(b with { ProgramVersion = "2" }, true, true, 13));
        Assert.Empty(Kept());
        map.Apply(Changed(b.Id, 14, new TransportOrderRow(b.Id, null, ["relay"], 14)));
        map.Apply(Changed(a.Id, 15, new TransportOrderRow(a.Id, b.Id, ["relay"], 15)));
        map.Apply(new RemovalResult([b.Id], 12));
        Assert.Equal(["a+b", "b+"], Kept());

        // One that is new, of which a later change is told first: what was set in between is its own.
        DeviceRow d = LiveMapTests.Row("d", 4);
        map.Apply(new RegistrationResult(d with { ProgramVersion = "2" }, false, true, 18));
        map.Apply(Changed(d.Id, 17, new TransportOrderRow(d.Id, null, ["ssh"], 17)));
        map.Apply(new RegistrationResult(d, true, true, 16));
        Assert.Equal(["a+b", "b+", "d+"], Kept());

        string[] Kept() => [.. map.Snapshot().Devices.SelectMany(d => (d.Preferences ?? []).Select(p =>
            $"{d.Name}+{(p.With == b.Id ? "b" : p.With == c.Id ? "c" : "")}")).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Over_real_TLS_both_peers_have_a_new_order_at_once_and_again_after_a_restart()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer a = await mesh.PeerAsync("a", "192.0.2.1:2223"), b = await mesh.PeerAsync("b", "192.0.2.2:2223"), c = await mesh.PeerAsync("c");
        foreach (TestPeer peer in new[] { a, b, c })
        {
            await peer.UntilAsync(m => m.Devices.Values.Count(d => d.Wire.Online) == 3 && m.Devices.Values.All(d => d.Wire.Transports.Count == 1));
        }
        string epoch = a.Stream.Map!.Epoch, idA = a.Stream.Map.ByName["a"].Id, idB = a.Stream.Map.ByName["b"].Id, idC = a.Stream.Map.ByName["c"].Id;

        Assert.Equal(TransportOrderOutcome.Changed, await mesh.Server.SetTransportOrderAsync(idA, null, ["relay", "ssh"], Cancel));
        await a.UntilAsync(m => Preferred(m, idA, idB) == "relay,ssh" && Preferred(m, idA, idC) == "relay,ssh");
        await b.UntilAsync(m => Preferred(m, idB, idA) == "relay,ssh" && Preferred(m, idB, idC) == "");
        Assert.Equal(TransportOrderOutcome.Changed, await mesh.Server.SetTransportOrderAsync(idB, idA, ["ssh"], Cancel));
        await a.UntilAsync(m => Preferred(m, idA, idB) == "ssh");
        await b.UntilAsync(m => Preferred(m, idB, idA) == "ssh");
        NetworkMap held = await c.UntilAsync(m => Preferred(m, idC, idA) == "relay,ssh" && Preferred(m, idA, idB) == "ssh");
        Assert.Equal(epoch, held.Epoch);

        // The peers of this test say that they use UDP alone, and an order adds nothing.
        PeerSpec spec = Assert.Single(MapPeers.Build(held, idA, [], [], All), p => p.DeviceId == idB);
        Assert.Equal([PathTransport.Udp], spec.Transports);

        Assert.Equal(TransportOrderOutcome.UnknownDevice, await mesh.Server.SetTransportOrderAsync(idA, new string('0', 32), ["ssh"], Cancel));
        await mesh.StopAsync();
        await mesh.StartAgainAsync();
        await c.UntilAsync(m => m.Epoch != epoch && Preferred(m, idA, idB) == "ssh" && Preferred(m, idA, idC) == "relay,ssh");
        Assert.Equal(TransportOrderOutcome.Changed, await mesh.Server.SetTransportOrderAsync(idA, idB, [], Cancel));
        await mesh.Server.SetTransportOrderAsync(idA, null, [], Cancel);
        await b.UntilAsync(m => Preferred(m, idA, idB) == "" && Preferred(m, idA, idC) == "");
    }

    private static string Preferred(NetworkMap map, string own, string other) =>
        string.Join(',', TransportOrders.Between(map.Devices.GetValueOrDefault(own)?.Wire, map.Devices[other].Wire)?.Transports ?? []);
}
