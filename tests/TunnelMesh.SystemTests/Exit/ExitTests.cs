using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Capture;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>Exit peers, with captures of what leaves where through everything that may happen.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExitTests
{
    private const string Serves = ExitLab.Serves, Uses = ExitLab.Uses;
    private const string Site = ExitLab.Site, Site6 = $"[{ExitLab.Site6}]";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<ExitLab> StartAsync(string client, string? server = null) => ExitLab.StartAsync(Token, client, Cancel, server);

    private static Task UntilAsync(Peer peer, string state, string traffic) => ExitLab.UntilAsync(peer, state, traffic, Cancel);

    private static Task NothingIsLeftAsync(NetworkNamespace machine, string filter) => ExitLab.NothingIsLeftAsync(machine, filter, Cancel);

    /// <summary>No packet left beside the tunnel while the steps were done.</summary>
    private static async Task WithoutLeaksAsync(ExitLab lab, Func<Task> steps)
    {
        int asked = lab.LanNames.Asked;
        using PacketCapture capture = PacketCapture.Start(lab.Client.Machine, "eth0", 14);
        await steps();
        Assert.Empty(ExitLab.Leaks(capture.Stop()));
        Assert.Equal(asked, lab.LanNames.Asked);
    }

    [Fact]
    public async Task Traffic_and_names_leave_through_the_exit_peer_alone_and_are_blocked_while_it_is_away()
    {
        await using ExitLab lab = await StartAsync(Uses);
        NetworkNamespace client = lab.Client.Machine;
        await WithoutLeaksAsync(lab, async () =>
        {
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(Site, Cancel));
            Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
            Assert.True(await client.ReachesAsync(Site, 5, Cancel));
            Assert.Equal(500_000, (await client.RunAsync(["curl", "-s", "--noproxy", "*", "--max-time", "10", $"http://{Site}/500000"], cancel: Cancel)).Length);

            // As a DHCP server may: routes that say more than ours, in the main table.
            await client.IpAsync($"route add 203.0.113.0/24 via {lab.Gateway.Address}", Cancel);
            await client.IpAsync($"route add {Site}/32 via {lab.Gateway.Address}", Cancel);
            await client.IpAsync($"route add {ExitLab.Site6}/128 via {lab.Gateway.Address6}", Cancel);
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(Site, Cancel));
            Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));

            // Neither the exit peer's own network nor the exit peer itself is reached by its other addresses.
            Assert.Equal("", await lab.SourceAsync("192.168.9.9", Cancel));
            Assert.False((await client.TryRunAsync(["ping", "-n", "-c", "1", "-W", "1", ExitLab.ExitSource], Cancel)).Succeeded);

            await lab.Exit.KillAsync();
            await UntilAsync(lab.Client, "offline", "blocked");
            Assert.Equal("", await lab.SourceAsync(Site, Cancel));
            Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
            Assert.False((await client.TryRunAsync(["getent", "ahostsv4", ExitLab.Name], Cancel)).Succeeded);
            CommandResult status = await lab.Client.AskAsync(Cancel, "status");
            Assert.Contains("exit does not answer; traffic to the internet is BLOCKED", status.Output, StringComparison.Ordinal);

            await lab.Exit.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443", Serves);
            await UntilAsync(lab.Client, "active", "exit");
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
            Assert.True((await lab.Client.AskJsonAsync(Cancel, "status")).GetProperty("exit").GetProperty("packets").GetInt64() > 10);
        });

        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        await NothingIsLeftAsync(client, "1");
        Assert.Equal(client.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(0, await lab.Exit.StopAsync(Cancel));
        await NothingIsLeftAsync(lab.Exit.Machine, "0");
        Assert.Empty(Directory.GetFiles(lab.Underlay.Folder, "exit.json*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task The_kill_switch_holds_when_rules_are_taken_away_and_over_kill_9_until_the_next_start_takes_it_over()
    {
        const string Switch = ExitLab.Switch;
        await using ExitLab lab = await StartAsync(Switch, $"{ExitLab.Coordinator}:8443");
        NetworkNamespace client = lab.Client.Machine;
        using (PacketCapture capture = PacketCapture.Start(client, "eth0", 14))
        {
            await client.RunAsync(["ip", "rule", "delete", "priority", "5100"], cancel: Cancel);
            await client.RunAsync(["ip", "-6", "rule", "delete", "priority", "5100"], cancel: Cancel);
            Assert.Equal("", await lab.SourceAsync(Site, Cancel));
            Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
            long start = Stopwatch.GetTimestamp();
            while (await lab.SourceAsync(Site, Cancel) != ExitLab.ExitSource || await lab.SourceAsync(Site6, Cancel) != ExitLab.ExitSource6)
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "the rules do not come back");
            }

            await lab.Client.KillAsync();
            Assert.Equal("", await lab.SourceAsync(Site, Cancel));
            Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
            Assert.Equal("", await lab.SourceAsync(ExitLab.Name, Cancel));
            Assert.False((await client.TryRunAsync(["curl", "-s", "--interface", "eth0", "--max-time", "2", $"http://{Site}/"], Cancel)).Succeeded);
            // The coordinator is found by its name, which this program alone may ask for.
            await lab.Client.JoinAsync(Cancel, $"{ExitLab.Coordinator}:8443", Switch);
            await UntilAsync(lab.Client, "active", "exit");
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(Site, Cancel));
            Assert.Equal(["protocol 17 to " + lab.Gateway.Address + " port 53"], ExitLab.Leaks(capture.Stop()));
        }

        await lab.Client.KillAsync();
        // Without the setting the next start opens the way.
        await lab.Client.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443");
        await NothingIsLeftAsync(client, "1");
        Assert.Equal(client.Address, await lab.SourceAsync(ExitLab.Name, Cancel));

        await lab.Exit.KillAsync();
        Assert.Contains("tunnelmesh_tun_mesh0", await lab.Exit.Machine.RunAsync(["nft", "list", "tables"], cancel: Cancel), StringComparison.Ordinal);
        await lab.Exit.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443");
        await NothingIsLeftAsync(lab.Exit.Machine, "0");
    }

    [Fact]
    public async Task Traffic_goes_out_directly_while_the_exit_peer_is_away_where_that_is_configured()
    {
        await using ExitLab lab = await StartAsync(Uses + "\nexit_offline: direct");
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        await lab.Exit.KillAsync();
        await UntilAsync(lab.Client, "offline", "direct");
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(lab.Client.Machine.Address6, await lab.SourceAsync(Site6, Cancel));
        // It comes back, and no longer lets traffic out.
        await lab.Exit.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443");
        await UntilAsync(lab.Client, "not_offered", "direct");
        Assert.Equal(0, await lab.Exit.StopAsync(Cancel));
        await lab.Exit.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443", Serves);
        await UntilAsync(lab.Client, "active", "exit");
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
    }

    [Fact]
    public async Task The_network_at_hand_is_reached_only_where_that_is_configured_and_only_when_it_is_private()
    {
        await using ExitLab lab = await StartAsync(Uses);
        await lab.Gateway.IpAsync("address add 192.168.77.1/24 dev eth0", Cancel);
        await lab.Client.Machine.IpAsync("address add 192.168.77.2/24 dev eth0", Cancel);
        Assert.False((await lab.Client.Machine.TryRunAsync(["ping", "-n", "-c", "1", "-W", "1", "192.168.77.1"], Cancel)).Succeeded);
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        await lab.Client.JoinAsync(Cancel, $"{lab.Hub.Machine.Address}:8443", Uses + "\nexit_lan_access: true\nexit_kill_switch: true");
        await UntilAsync(lab.Client, "active", "exit");
        Assert.True((await lab.Client.Machine.TryRunAsync(["ping", "-n", "-c", "1", "-W", "2", "192.168.77.1"], Cancel)).Succeeded);
        // The network of the lab is none: a server there could make up any.
        Assert.Contains("dev tun-mesh0 table 29805", await lab.Client.Machine.RunAsync(["ip", "route", "get", lab.Gateway.Address], cancel: Cancel), StringComparison.Ordinal);
        await lab.Client.Machine.IpAsync("address delete 192.168.77.2/24 dev eth0", Cancel);
        long start = Stopwatch.GetTimestamp();
        while ((await lab.Client.Machine.RunAsync(["ip", "route", "show", "table", "29805"], cancel: Cancel)).Contains("192.168.77", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "the network is kept");
            await Task.Delay(100, Cancel);
        }

        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        await NothingIsLeftAsync(lab.Client.Machine, "1");
    }

    [Fact]
    public async Task A_peer_that_is_no_exit_is_refused_by_name_and_nothing_is_changed()
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        await lab.Hub.JoinAsync(Cancel);
        string server = $"{lab.Hub.Machine.Address}:8443";
        await lab.Exit.JoinAsync(Cancel, server);
        (int code, string output) = await lab.Client.FailToJoinAsync(Cancel, server, "exit_peer: exit");
        Assert.Equal(3, code);
        Assert.Contains("`exit` does not let the traffic of others out", output, StringComparison.Ordinal);
        Assert.Equal(0, await lab.Exit.StopAsync(Cancel));
        await lab.Exit.JoinAsync(Cancel, server, Serves);
        (code, output) = await lab.Client.FailToJoinAsync(Cancel, server, "exit_peer: exid");
        Assert.Equal(3, code);
        Assert.Contains("`exid` is no device of the mesh.", output, StringComparison.Ordinal);
        Assert.Contains("Did you mean `exit`?", output, StringComparison.Ordinal);
        Assert.Contains("Peers that allow it: exit.", output, StringComparison.Ordinal);
        (code, output) = await lab.Client.FailToJoinAsync(Cancel, server, "exit_peer: client");
        Assert.Equal(3, code);
        Assert.Contains("is this device itself", output, StringComparison.Ordinal);
        // Somebody else's table stays theirs, whatever the mark.
        foreach ((string made, string undone) in new[]
        {
            ("rule add not fwmark 0x746d table 29805 priority 5100", "rule delete priority 5100"), ("-6 rule add not fwmark 0x7 table 29805 priority 5100", "-6 rule delete priority 5100"),
            ("rule add fwmark 0x7 table 29805 priority 900", "rule delete priority 900"), ("route add unreachable 203.0.113.0/24 table 29805", "route delete unreachable 203.0.113.0/24 table 29805"),
            ("-6 route add unreachable 2001:db8:9::/48 table 29805", "-6 route delete unreachable 2001:db8:9::/48 table 29805"),
        })
        {
            await lab.Client.Machine.IpAsync(made, Cancel);
            (code, output) = await lab.Client.FailToJoinAsync(Cancel, server, "exit_peer: exit");
            Assert.Equal(1, code);
            Assert.Contains("another peer on this machine", output, StringComparison.Ordinal);
            await lab.Client.Machine.IpAsync(undone, Cancel);
        }

        await NothingIsLeftAsync(lab.Client.Machine, "1");
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.True((await lab.Hub.AskJsonAsync(Cancel, "peers")).EnumerateArray().Single(p => p.GetProperty("name").GetString() == "exit").GetProperty("allows_exit").GetBoolean());
    }

    [Fact]
    public async Task A_second_context_with_another_mark_is_refused_while_one_uses_an_exit_peer_and_takes_nothing_from_it()
    {
        await using ExitLab lab = await StartAsync(Uses);
        await using Peer blue = await Peer.AddAsync(lab.Underlay, "blue", Token, Cancel), work = lab.Client.Beside("work", Token);
        await blue.JoinAsync(Cancel, configuration: Serves, coordinator: "mesh_cidr: 10.43.0.0/16");
        NetworkNamespace client = lab.Client.Machine;
        await WithoutLeaksAsync(lab, async () =>
        {
            string before = await client.RunAsync(["ip", "route", "show", "table", "29805"], cancel: Cancel);
            (int code, string output) = await work.FailToJoinAsync(Cancel, $"{blue.Machine.Address}:8443", "exit_peer: blue\nfwmark: 7");
            Assert.Equal(1, code);
            Assert.Contains("another peer on this machine", output, StringComparison.Ordinal);
            Assert.Equal(before, await client.RunAsync(["ip", "route", "show", "table", "29805"], cancel: Cancel));
            Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(Site, Cancel));
            Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));
        });
    }

    [Fact]
    public async Task An_exit_peer_reaches_itself_by_its_own_addresses_in_the_mesh()
    {
        await using ExitLab lab = await StartAsync(Uses);
        JsonElement status = await lab.Exit.AskJsonAsync(Cancel, "status");
        foreach (string host in new[] { status.GetProperty("mesh_ip").GetString()!, $"[{status.GetProperty("mesh_ip6").GetString()}]" })
        {
            Assert.Equal("ok\n", (await lab.Exit.Machine.TryRunAsync(["curl", "-sk", "-g", "--noproxy", "*", "--max-time", "5", $"https://{host}:9443/health"], Cancel)).Output);
        }
    }
}
