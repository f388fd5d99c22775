using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>Rules about groups on running peers, while `group` on the coordinator changes who is in them.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class GroupTests
{
    private const string Rules = """
        metrics_enabled: false
        filter:
          rules:
            - {port: 7000, protocol: tcp, action: allow, source_peer: "group:ops"}
            - {port: 7001, protocol: tcp, action: allow, source_peer: "group:all_admin_users"}
            - {port: 7002, protocol: tcp, action: deny, source_peer: "group:ops"}
            - {port: 7002, protocol: tcp, action: allow, source_peer: "group:everyone"}
        """;

    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task A_member_is_let_in_from_the_moment_it_is_one_until_it_is_none_without_a_restart()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas"), laptop = await AddAsync(underlay, "laptop"), guest = await AddAsync(underlay, "guest");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await nas.JoinAsync(Cancel, server, Rules);
        await laptop.JoinAsync(Cancel, server);
        await guest.JoinAsync(Cancel, server);
        IPAddress address = IPAddress.Parse((await nas.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip").GetString()!);
        foreach (Peer peer in new[] { hub, laptop, guest })
        {
            // Tunnels first, so that no probe waits for a handshake.
            Assert.True(await peer.Machine.ReachesAsync(address.ToString(), 10, Cancel));
        }

        // Nobody has made the group: its rules are about nobody. Whoever runs the coordinator is an admin.
        await UntilKnownAsync(false);
        await CheckAsync(7000, fromHub: false, fromLaptop: false, fromGuest: false);
        await CheckAsync(7001, fromHub: true, fromLaptop: false, fromGuest: false);
        await CheckAsync(7002, fromHub: true, fromLaptop: true, fromGuest: true);

        CommandResult refused = await guest.AskAsync(Cancel, "group", "create", "ops");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("works on a coordinator only", refused.Errors, StringComparison.Ordinal);
        Assert.True((await hub.AskAsync(Cancel, "group", "create", "ops")).Succeeded);
        await UntilKnownAsync(true);
        await CheckAsync(7000, fromHub: false, fromLaptop: false, fromGuest: false);

        CommandResult added = await hub.AskAsync(Cancel, "group", "add-member", "ops", "laptop");
        string user = (await laptop.AskJsonAsync(Cancel, "status")).GetProperty("peer_id").GetString()!;
        Assert.Equal($"laptop stands for its user {user}, who is in ops, with laptop.", added.Output.Trim());
        await UntilAsync(laptop, 7000, true);
        await CheckAsync(7000, fromHub: false, fromLaptop: true, fromGuest: false);
        await CheckAsync(7002, fromHub: true, fromLaptop: false, fromGuest: true);
        Assert.Equal(["everyone 4", "all_admin_users 1", "all_service_users 0", "ops 1"], await ListAsync());
        JsonElement member = Assert.Single((await hub.AskJsonAsync(Cancel, "group", "members", "ops")).EnumerateArray());
        Assert.Equal(user, member.GetProperty("peer_id").GetString());
        Assert.Equal("laptop", Assert.Single(member.GetProperty("devices").EnumerateArray()).GetString());

        // It is kept with the map: a peer that starts anew knows it while the coordinator is away.
        await hub.KillAsync();
        Assert.Equal(0, await nas.StopAsync(Cancel));
        await nas.JoinAsync(Cancel, server, Rules);
        Assert.True(await laptop.Machine.ReachesAsync(address.ToString(), 10, Cancel));
        Assert.True(await guest.Machine.ReachesAsync(address.ToString(), 10, Cancel));
        Assert.True(await TcpAsync(laptop, 7000));
        Assert.False(await TcpAsync(guest, 7000));
        await hub.JoinAsync(Cancel);
        Assert.Equal(["everyone 4", "all_admin_users 1", "all_service_users 0", "ops 1"], await ListAsync());

        CommandResult again = await hub.AskAsync(Cancel, "group", "add-member", "ops", user);
        Assert.Equal((1, true), (again.ExitCode, again.Errors.Contains($"The user {user} is in `ops` already.", StringComparison.Ordinal)));
        Assert.True((await hub.AskAsync(Cancel, "group", "remove-member", "ops", user)).Succeeded);
        await UntilAsync(laptop, 7000, false);
        await UntilAsync(laptop, 7002, true);
        CommandResult typo = await hub.AskAsync(Cancel, "group", "delete", "osp");
        Assert.Equal(1, typo.ExitCode);
        Assert.Contains("There is no group `osp`. Did you mean `ops`?", typo.Errors, StringComparison.Ordinal);
        Assert.True((await hub.AskAsync(Cancel, "group", "delete", "ops")).Succeeded);
        await UntilKnownAsync(false);

        Task<bool> TcpAsync(Peer from, int port) => Probe.TcpAsync(from.Machine, nas.Machine, address, port, Cancel);

        async Task CheckAsync(int port, bool fromHub, bool fromLaptop, bool fromGuest) =>
            Assert.Equal((port, fromHub, fromLaptop, fromGuest), (port, await TcpAsync(hub, port), await TcpAsync(laptop, port), await TcpAsync(guest, port)));

        // The next delta brings a change.
        async Task UntilAsync(Peer from, int port, bool passes)
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            patience.CancelAfter(TimeSpan.FromSeconds(10));
            while (await TcpAsync(from, port) != passes)
            {
                Assert.False(patience.IsCancellationRequested, $"{from.Name} to port {port} was to be {(passes ? "let in" : "dropped")} within ten seconds");
            }
        }

        Task UntilKnownAsync(bool known) => nas.AskUntilAsync(filter => filter.GetProperty("rules").EnumerateArray()
            .Where(r => r.GetProperty("source_peer").GetString() == "group:ops").All(r => r.GetProperty("source_known").GetBoolean() == known), Cancel, "filter", "list");

        async Task<string[]> ListAsync() => [.. (await hub.AskJsonAsync(Cancel, "group", "list")).EnumerateArray().Select(g => $"{g.GetProperty("name").GetString()} {g.GetProperty("members").GetInt32()}")];
    }
}
