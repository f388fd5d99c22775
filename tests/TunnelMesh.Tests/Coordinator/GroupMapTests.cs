using System.Security.Cryptography;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Groups on their way from a coordinator's state to the peers.</summary>
public sealed class GroupMapTests
{
    private static readonly MeshInfo Mesh = new() { MeshId = "0123456789", Cidr = "10.42.0.0/16", Cidr6 = "fd01:2345:6789::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static GroupRow Group(string name, params DeviceRow[] members) => new(name, 0, [.. members.Select(m => new GroupMember(m.IdentityKey, m.UserId))]);

    private static GroupResult Changed(long number, params GroupRow[] groups) => new(GroupOutcome.Changed, groups, number);

    [Fact]
    public void A_change_is_told_of_each_device_of_the_user_alone_and_names_when_there_are_others()
    {
        DeviceRow a = LiveMapTests.Row("a", 1), b = LiveMapTests.Row("b", 2), ofA = LiveMapTests.Row("c", 3) with { IdentityKey = a.IdentityKey, UserId = a.UserId };
        LiveMap map = new("e", 5, Mesh, [a, b, ofA], groups: [Group("ops", b)]);
        Assert.Null(map.TakeDelta());
        Assert.Equal(["all_admin_users", "all_service_users", "ops"], map.Snapshot().Groups!);
        Assert.Equal(["b:ops"], Members());

        map.Apply(Changed(6, Group("ops", a, b)));
        MapDelta delta = map.TakeDelta()!;
        Assert.Equal((5, 6), (delta.From, delta.Number));
        Assert.Null(delta.Groups);
        Assert.Empty(delta.Upserted);
        Assert.Equal(new[] { a.Id, ofA.Id }.Order(), delta.Presence.Select(p => p.Id).Order());
        Assert.All(delta.Presence, p => Assert.True(p is { Groups: ["ops"], Endpoints: null }));

        // Neither presence nor a registration takes it away, and a device that is new has the groups of its user.
        map.SetPresence(a.Id, true, 1, null);
        Assert.Null(Assert.Single(map.TakeDelta()!.Presence).Groups);
        map.Apply(new RegistrationResult(a with { ProgramVersion = "2" }, false, true, 7));
        Assert.Equal(["ops"], Assert.Single(map.TakeDelta()!.Upserted).Groups!);
        map.Apply(new RegistrationResult(LiveMapTests.Row("d", 4) with { IdentityKey = a.IdentityKey, UserId = a.UserId }, true, true, 8));
        Assert.Equal(["ops"], Assert.Single(map.TakeDelta()!.Upserted).Groups!);

        // The answer to an older change that comes late changes nothing; nobody left is told as none.
        map.Apply(Changed(10, Group("guests"), Group("ops", b)));
        map.Apply(Changed(9, Group("guests"), Group("ops", a, b)));
        delta = map.TakeDelta()!;
        Assert.Equal(["all_admin_users", "all_service_users", "guests", "ops"], delta.Groups!);
        Assert.Equal(3, delta.Presence.Count);
        Assert.All(delta.Presence, p => Assert.Empty(p.Groups!));
        Assert.Equal(["b:ops"], Members());
        map.Apply(new GroupResult(GroupOutcome.Unchanged, [], 10));
        Assert.Null(map.TakeDelta());

        string[] Members() => [.. map.Snapshot().Devices.SelectMany(d => (d.Groups ?? []).Select(g => $"{d.Name}:{g}")).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Whoever_runs_the_coordinator_is_an_admin_with_all_devices()
    {
        DeviceRow hub = LiveMapTests.Row("hub", 1) with { Coordinator = true }, laptop = LiveMapTests.Row("laptop", 2) with { IdentityKey = hub.IdentityKey, UserId = hub.UserId };
        DeviceRow other = LiveMapTests.Row("other", 3);
        LiveMap map = new("e", 5, Mesh, [hub, other], groups: [Group("ops", hub)]);
        map.Apply(new RegistrationResult(laptop, true, true, 6));
        Assert.All(map.Snapshot().Devices, d => Assert.Equal(d.Name == "other" ? "" : "all_admin_users,ops", string.Join(',', d.Groups ?? [])));
        map.Apply(Changed(7));
        Assert.All(map.Snapshot().Devices, d => Assert.Equal(d.Name == "other" ? "" : "all_admin_users", string.Join(',', d.Groups ?? [])));
    }

    [Fact]
    public async Task Over_real_TLS_peers_have_a_change_at_once_again_after_a_restart_and_where_their_map_was_kept_without_groups()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer a = await mesh.PeerAsync("a"), b = await mesh.PeerAsync("b");
        JoinRequest request = mesh.Request("c");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer c = mesh.Run(request, joined.Certificate);
        await b.UntilAsync(m => m.Devices.Count == 3 && m.Groups is ["all_admin_users", "all_service_users"]);
        byte[] userOfA = b.Stream.Map!.ByName["a"].Wire.IdentityKey;

        Assert.Equal(GroupOutcome.Changed, await mesh.Server.Groups.CreateAsync("ops", Cancel));
        Assert.Equal(GroupOutcome.Unchanged, await mesh.Server.Groups.CreateAsync("ops", Cancel));
        Assert.Equal(GroupOutcome.Changed, await mesh.Server.Groups.SetMemberAsync("ops", userOfA, true, Cancel));
        foreach (TestPeer peer in new[] { a, b, c })
        {
            await peer.UntilAsync(m => m.Groups!.Contains("ops") && m.ByName["a"].Wire.Groups is ["ops"] && m.ByName["b"].Wire.Groups is null);
        }

        // As a program keeps its map that knows no groups, and with nothing new since.
        NetworkMap held = c.Stream.Map!;
        await c.StopAsync();
        await b.UntilAsync(m => !m.ByName["c"].Wire.Online);
        MapFull kept = held.ToWire() with { Groups = null, Devices = [.. held.Devices.Values.Select(d => d.Wire with { Groups = null })] };
        NetworkMap start = NetworkMap.FromFull(new CachedMap { ConfirmedUnixMs = 1, Map = kept }.ToStart(), SHA256.HashData(mesh.Root), null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UtcNow).Map;
        Assert.Equal(3, start.Devices.Count);
        TestPeer updated = mesh.Run(request, joined.Certificate, start);
        await updated.UntilAsync(m => m.Epoch == held.Epoch && m.Groups?.Contains("ops") == true && m.ByName["a"].Wire.Groups is ["ops"]);

        await mesh.StopAsync();
        await mesh.StartAgainAsync();
        await b.UntilAsync(m => m.Epoch != held.Epoch && m.ByName["a"].Wire.Groups is ["ops"]);
        Assert.Equal(GroupOutcome.Changed, await mesh.Server.Groups.SetMemberAsync("ops", userOfA, false, Cancel));
        await b.UntilAsync(m => m.ByName["a"].Wire.Groups is null or []);
        Assert.Equal(GroupOutcome.Changed, await mesh.Server.Groups.DeleteAsync("ops", Cancel));
        await b.UntilAsync(m => !m.Groups!.Contains("ops"));
        Assert.Empty(await mesh.Server.Groups.LoadAsync(Cancel));
    }
}
