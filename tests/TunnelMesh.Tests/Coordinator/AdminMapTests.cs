using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Admins on their way from a coordinator's configuration to the peers.</summary>
public sealed class AdminMapTests
{
    private const string Admins = "all_admin_users";
    private static readonly MeshInfo Mesh = new() { MeshId = "0123456789", Cidr = "10.42.0.0/16", Cidr6 = "fd01:2345:6789::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static AdminRow Admin(string entry, params DeviceRow[] users) => new(entry, [.. users.Select(u => new GroupMember(u.IdentityKey, u.UserId))]);

    private static string Groups(LiveMap map) => string.Join(' ', map.Snapshot().Devices.Select(d => $"{d.Name}:{string.Join(',', d.Groups ?? [])}").Order(StringComparer.Ordinal));

    [Fact]
    public void A_change_is_told_of_the_devices_it_is_about_and_an_older_answer_changes_nothing()
    {
        DeviceRow hub = LiveMapTests.Row("hub", 1) with { Coordinator = true }, a = LiveMapTests.Row("a", 2), b = LiveMapTests.Row("b", 3);
        LiveMap map = new("e", 5, Mesh, [hub, a, b], groups: [new GroupRow("ops", 0, [new GroupMember(a.IdentityKey, a.UserId)])], admins: [Admin("a", a), Admin("hub", hub)]);
        Assert.Equal($"a:{Admins},ops b: hub:{Admins}", Groups(map));
        Assert.Null(map.TakeDelta());

        map.Apply(new AdminResult([Admin("b", b)], true, 6));
        MapDelta delta = map.TakeDelta()!;
        Assert.Equal((5, 6), (delta.From, delta.Number));
        Assert.Null(delta.Groups);
        Assert.Empty(delta.Upserted);
        Assert.Equal(new[] { a.Id, b.Id }.Order(), delta.Presence.Select(p => p.Id).Order());
        Assert.Equal($"a:ops b:{Admins} hub:{Admins}", Groups(map));

        // Groups and admins come apart: the answer about one says nothing of the other.
        map.Apply(new GroupResult(GroupOutcome.Changed, [], 8));
        map.Apply(new AdminResult([Admin("a", a)], true, 7));
        Assert.Equal($"a:{Admins} b: hub:{Admins}", Groups(map));
        map.Apply(new AdminResult([Admin("b", b)], true, 6));
        Assert.Equal($"a:{Admins} b: hub:{Admins}", Groups(map));
        map.TakeDelta();
        map.Apply(new AdminResult([Admin("b", b)], false, 9));
        Assert.Null(map.TakeDelta());
        Assert.Equal($"a:{Admins} b: hub:{Admins}", Groups(map));
    }

    [Fact]
    public void One_who_comes_with_a_peer_ID_of_the_list_is_an_admin_in_the_first_entry_about_it()
    {
        DeviceRow a = LiveMapTests.Row("a", 1), b = LiveMapTests.Row("b", 2);
        LiveMap map = new("e", 5, Mesh, [a]);
        map.Apply(new RegistrationResult(b, true, true, 6) { Admins = [Admin(b.UserId, b)] });
        Assert.Equal([Admins], Assert.Single(map.TakeDelta()!.Upserted).Groups!);
        // A list that was read before and answered later.
        map.Apply(new AdminResult([], true, 5));
        Assert.Equal($"a: b:{Admins}", Groups(map));
    }

    [Fact]
    public async Task Over_real_TLS_a_name_of_the_list_makes_no_admin_of_a_newcomer_a_peer_ID_does_and_the_log_says_whose_a_name_was()
    {
        ConcurrentQueue<string> lines = [];
        IdentityKey person = IdentityKey.Generate(RandomNumberGenerator.Fill);
        string id = PeerId.FromIdentityKey(person.PublicKey);
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { AdminPeers = ["laptop", id], Logger = new Lines(lines) });
        Assert.Contains(lines, l => l.StartsWith("nobody is an admin by the name laptop", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith($"{id} in coordinator.admin_peers is the peer ID of nobody", StringComparison.Ordinal));

        await mesh.PeerAsync("laptop");
        TestPeer viewer = await mesh.PeerAsync("viewer");
        JoinRequest request = mesh.Request("desk") with { Identity = person };
        await mesh.JoinAsync(request);
        await viewer.UntilAsync(m => m.ByName.ContainsKey("laptop") && m.ByName.TryGetValue("desk", out MapEntry? desk) && desk.Wire.Groups is [Admins]);
        Assert.Null(viewer.Stream.Map!.ByName["laptop"].Wire.Groups);
        Assert.Contains(lines, l => l.StartsWith($"desk has joined for user {id}, who is an admin", StringComparison.Ordinal));

        // Not after a start, either, whoever it is by now.
        await mesh.StopAsync();
        await mesh.StartAgainAsync();
        await viewer.UntilAsync(m => m.ByName["desk"].Wire.Groups is [Admins] && m.ByName["laptop"].Wire.Groups is null);

        await mesh.Server.Groups.SetAdminsAsync([], Cancel);
        await viewer.UntilAsync(m => m.ByName["desk"].Wire.Groups is null or []);
        lines.Clear();
        await mesh.Server.Groups.SetAdminsAsync(["lap*"], Cancel);
        await viewer.UntilAsync(m => m.ByName["laptop"].Wire.Groups is [Admins]);
        Assert.Contains(lines, l => l.StartsWith("by the name lap*", StringComparison.Ordinal) && l.Contains(viewer.Stream.Map!.ByName["laptop"].Wire.User, StringComparison.Ordinal));
    }

    private sealed class Lines(ConcurrentQueue<string> written) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => written.Enqueue(formatter(state, exception));
    }
}
