using System.Net;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>coordinator.admin_peers on running peers: rules about admins let them in, and nobody becomes one by a name.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class AdminTests
{
    private const string Rules = """
        metrics_enabled: false
        filter:
          rules:
            - {port: 7001, protocol: tcp, action: allow, source_peer: "group:all_admin_users"}
        """;

    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task A_peer_ID_makes_an_admin_at_the_first_join_and_a_name_only_who_had_it_when_it_was_put_there()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas"), laptop = await AddAsync(underlay, "laptop"), desk = await AddAsync(underlay, "desk");
        string id = (await desk.AskAsync(Cancel, "init")).Output.Split('\n')[0].Split(' ')[^1];
        Assert.Equal(16, id.Length);
        string before = $"admin_peers: [laptop, {id}]";
        await hub.JoinAsync(Cancel, coordinator: before);
        await hub.Program!.WaitForLineAsync("nobody is an admin by the name laptop", TimeSpan.FromSeconds(5), Cancel);
        await hub.Program.WaitForLineAsync($"{id} in coordinator.admin_peers is the peer ID of nobody in the mesh", TimeSpan.FromSeconds(5), Cancel);

        string server = $"{hub.Machine.Address}:8443";
        await nas.JoinAsync(Cancel, server, Rules);
        await laptop.JoinAsync(Cancel, server);
        await desk.JoinAsync(Cancel, server);
        IPAddress address = IPAddress.Parse((await nas.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip").GetString()!);
        foreach (Peer peer in new[] { hub, laptop, desk })
        {
            // Tunnels first, so that no probe waits for a handshake.
            Assert.True(await peer.Machine.ReachesAsync(address.ToString(), 10, Cancel));
        }
        await UntilAdminsAsync("desk", "hub");
        Assert.True(await TcpAsync(hub));
        Assert.True(await TcpAsync(desk));
        Assert.False(await TcpAsync(laptop));

        // Admin or not, the mesh is changed on the machine of the coordinator only.
        foreach (Peer peer in new[] { desk, laptop })
        {
            foreach (string[] command in new[] { ["group", "create", "ops"], ["token", "create"], ["token", "list"], ["revoke", "nas", "--yes"], (string[])["transport"] })
            {
                CommandResult refused = await peer.AskAsync(Cancel, command);
                Assert.Equal(1, refused.ExitCode);
                Assert.Contains("works on a coordinator only", refused.Errors, StringComparison.Ordinal);
                Assert.Contains(hub.Machine.Address, refused.Errors, StringComparison.Ordinal);
            }
        }

        // A start of the coordinator, as at a reboot, is nobody's decision: whoever took the name stays what he was.
        Assert.Equal(0, await hub.StopAsync(Cancel));
        await hub.JoinAsync(Cancel, coordinator: before);
        await hub.Program!.WaitForLineAsync("nobody is an admin by the name laptop", TimeSpan.FromSeconds(5), Cancel);
        await UntilAdminsAsync("desk", "hub");

        await ReloadAsync(before, "admin_peers: []");
        await UntilAdminsAsync("hub");
        await UntilAsync(desk, false);
        await ReloadAsync("admin_peers: []", "admin_peers: [lap*]");
        string user = (await laptop.AskJsonAsync(Cancel, "status")).GetProperty("peer_id").GetString()!;
        Assert.Contains(user, await hub.Program.WaitForLineAsync("by the name lap* in coordinator.admin_peers", TimeSpan.FromSeconds(5), Cancel), StringComparison.Ordinal);
        await UntilAdminsAsync("hub", "laptop");
        await UntilAsync(laptop, true);

        // What cannot be used changes nothing.
        await WriteAsync("admin_peers: [lap*]", "admin_peers: [a b]");
        CommandResult wrong = await hub.AskAsync(Cancel, "filter", "reload");
        Assert.Equal(3, wrong.ExitCode);
        Assert.Contains("`coordinator.admin_peers`: expected peer IDs", wrong.Errors, StringComparison.Ordinal);
        await UntilAdminsAsync("hub", "laptop");
        Assert.True(await TcpAsync(laptop));

        Task<bool> TcpAsync(Peer from) => Probe.TcpAsync(from.Machine, nas.Machine, address, 7001, Cancel);

        // The next delta brings a change.
        async Task UntilAsync(Peer from, bool passes)
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            patience.CancelAfter(TimeSpan.FromSeconds(10));
            while (await TcpAsync(from) != passes)
            {
                Assert.False(patience.IsCancellationRequested, $"{from.Name} was to be {(passes ? "let in" : "dropped")} within ten seconds");
            }
        }

        Task UntilAdminsAsync(params string[] names) => hub.AskUntilAsync(
            members => members.EnumerateArray().SelectMany(m => m.GetProperty("devices").EnumerateArray()).Select(d => d.GetString()!).Order(StringComparer.Ordinal).SequenceEqual(names), Cancel, "group", "members", "all_admin_users");

        async Task ReloadAsync(string now, string then)
        {
            await WriteAsync(now, then);
            CommandResult result = await hub.AskAsync(Cancel, "filter", "reload");
            Assert.True(result.Succeeded, result.ToString());
        }

        async Task WriteAsync(string now, string then)
        {
            string file = Path.Combine(hub.Folder, "config.yaml"), text = await File.ReadAllTextAsync(file, Cancel);
            Assert.Contains(now, text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, text.Replace(now, then, StringComparison.Ordinal), Cancel);
        }
    }
}
