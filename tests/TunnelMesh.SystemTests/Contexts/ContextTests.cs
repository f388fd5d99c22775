using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Dns;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Contexts;

/// <summary>One machine that is a member of two meshes at once.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ContextTests
{
    private const string OtherRange = "mesh_cidr: 10.43.0.0/16";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    // What programs of the machine find: each mesh calls its own coordinator `this.tm`.
    private static async Task<string> FocusAsync(Peer peer) => (await peer.Machine.TryRunAsync(["getent", "ahostsv4", "this.tm"], Cancel)).Output.Split(' ')[0];

    private static async Task FocusUntilAsync(Peer peer, string wanted)
    {
        long start = Stopwatch.GetTimestamp();
        for (string found; (found = await FocusAsync(peer)) != wanted; await Task.Delay(50, Cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"this.tm is {found}\n{peer.Program!.Output}");
        }
    }

    private static async Task<string> DigAsync(Peer peer, params string[] arguments) =>
        (await peer.Machine.TryRunAsync(["dig", "+short", "+tries=1", "+time=2", .. arguments], Cancel)).Output.Trim();

    private static async Task<Dictionary<string, JsonElement>> ListAsync(Peer peer) =>
        (await peer.AskJsonAsync(Cancel, "context", "list")).EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!);

    [Fact]
    public async Task Two_meshes_on_one_machine_both_work_use_moves_the_names_and_leaving_one_leaves_the_other_alone()
    {
        Requirements.Programs("getent", "dig");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer red = await AddAsync(underlay, "red"), blue = await AddAsync(underlay, "blue"), first = await AddAsync(underlay, "laptop");
        await using Peer second = first.Beside("work", Token);
        const string before = "nameserver 198.51.100.99\noptions timeout:1 attempts:1\n";
        using OwnResolvConf conf = new(first.Machine, before);
        await red.JoinAsync(Cancel);
        await blue.JoinAsync(Cancel, coordinator: OtherRange);

        Assert.Equal("10.42.0.2", await first.JoinAsync(Cancel, $"{red.Machine.Address}:8443"));
        Assert.Equal("10.43.0.2", await second.JoinAsync(Cancel, $"{blue.Machine.Address}:8443"));
        foreach ((Peer from, string to) in new[] { (first, "10.42.0.1"), (first, "10.43.0.1"), (red, "10.42.0.2"), (blue, "10.43.0.2") })
        {
            Assert.True(await from.Machine.ReachesAsync(to, 10, Cancel), to);
        }
        Dictionary<string, JsonElement> contexts = await ListAsync(first);
        Assert.Equal(["default running tun-mesh0 2223 True True", "work running tun-mesh1 2225 False False"], contexts.Values.Select(c =>
            $"{c.GetProperty("name")} {c.GetProperty("state")} {c.GetProperty("interface")} {c.GetProperty("udp_port")} {c.GetProperty("active")} {c.GetProperty("names")}"));
        // No mesh is offered an address of the other: no tunnel runs inside another.
        foreach (Peer coordinator in new[] { red, blue })
        {
            string known = (await coordinator.AskJsonAsync(Cancel, "doctor", "laptop")).ToString();
            Assert.Contains(first.Machine.Address, known, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"""endpoint"":\s*""10\.4[23]\.", known);
        }

        // Every resolver answers; programs ask that of the context in use.
        Assert.Equal("10.42.0.1", await DigAsync(first, "@127.0.0.53", "-p", "5353", "this.tm"));
        Assert.Equal("10.43.0.1", await DigAsync(first, "@127.0.0.53", "-p", "5354", "this.tm"));
        Assert.Equal("10.43.0.1", await DigAsync(first, "@10.43.0.2", "this.tm"));
        Assert.Equal("10.42.0.1", await FocusAsync(first));
        CommandResult used = await first.AskAsync(Cancel, "context", "use", "work");
        Assert.True(used.Succeeded && used.Output.Contains("by resolv.conf", StringComparison.Ordinal), used.ToString());
        Assert.Equal("10.43.0.1", await FocusAsync(first));
        Assert.Equal("10.43.0.2", (await first.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip").GetString());
        JsonElement dns = (await first.AskJsonAsync(Cancel, "status", "--context", "default")).GetProperty("dns");
        Assert.Equal(JsonValueKind.Null, dns.GetProperty("system").ValueKind);
        Assert.Contains("tunnelmesh context use default", dns.GetProperty("problem").GetString(), StringComparison.Ordinal);

        // One that dies or ends is followed by the other, and has the names again when it comes back.
        await second.KillAsync();
        await FocusUntilAsync(first, "10.42.0.1");
        await second.JoinAsync(Cancel, $"{blue.Machine.Address}:8443");
        Assert.Equal("10.43.0.1", await FocusAsync(first));
        Assert.True((await first.AskAsync(Cancel, "context", "use", "default")).Succeeded);
        Assert.Equal("10.42.0.1", await FocusAsync(first));
        Assert.Equal(0, await first.StopAsync(Cancel));
        await FocusUntilAsync(second, "10.43.0.1");
        await first.JoinAsync(Cancel, $"{red.Machine.Address}:8443");
        Assert.Equal("10.42.0.1", await FocusAsync(first));

        CommandResult running = await first.AskAsync(Cancel, "context", "delete", "work", "--yes");
        Assert.Equal(8, running.ExitCode);
        Assert.True((await first.AskAsync(Cancel, "leave", "--context", "work")).Succeeded);
        await second.Program!.WaitForExitAsync(Patience, Cancel);
        Assert.True(await first.Machine.ReachesAsync("10.42.0.1", 5, Cancel));
        Assert.False(await first.Machine.ReachesAsync("10.43.0.1", 1, Cancel));
        Assert.Equal("10.42.0.1", await FocusAsync(first));
        CommandResult deleted = await first.AskAsync(Cancel, "context", "delete", "work", "--yes");
        Assert.True(deleted.Succeeded, deleted.ToString());
        Assert.Equal(["default"], (await ListAsync(first)).Keys);
        Assert.Equal(0, await first.StopAsync(Cancel));
        Assert.Equal(before, conf.Text);
        Assert.DoesNotContain("tun-mesh", await first.Machine.IpAsync("link", Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_homes_one_has_the_names_use_moves_them_and_one_that_ends_or_dies_is_followed_by_the_other()
    {
        Requirements.Programs("getent", "dig");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer red = await AddAsync(underlay, "red"), blue = await AddAsync(underlay, "blue"), first = await AddAsync(underlay, "laptop");
        await using Peer second = new(underlay, first.Machine, "second", Token);
        const string before = "nameserver 198.51.100.99\noptions timeout:1 attempts:1\n", apart = "tun: { name: tun-mesh7 }\nssh_port: 2300\ndns: { listen: \"127.0.0.53:5399\" }";
        using OwnResolvConf conf = new(first.Machine, before);
        await red.JoinAsync(Cancel);
        await blue.JoinAsync(Cancel, coordinator: OtherRange);
        await first.JoinAsync(Cancel, $"{red.Machine.Address}:8443");
        await second.JoinAsync(Cancel, $"{blue.Machine.Address}:8443", apart);

        Assert.Equal("10.42.0.1", await FocusAsync(first));
        JsonElement dns = (await second.AskJsonAsync(Cancel, "status")).GetProperty("dns");
        Assert.Equal(JsonValueKind.Null, dns.GetProperty("system").ValueKind);
        Assert.Contains($"the context default ({first.Home})", dns.GetProperty("problem").GetString(), StringComparison.Ordinal);
        CommandResult used = await second.AskAsync(Cancel, "context", "use", "default");
        Assert.True(used.Succeeded && used.Output.Contains("by resolv.conf", StringComparison.Ordinal), used.ToString());
        Assert.Equal("10.43.0.1", await FocusAsync(first));
        Assert.Contains($"the context default ({second.Home})", (await first.AskJsonAsync(Cancel, "status")).GetProperty("dns").GetProperty("problem").GetString(), StringComparison.Ordinal);
        // It stays there, whatever is in use in the other home, until somebody says so.
        Assert.Equal("10.42.0.1", await DigAsync(first, "@127.0.0.53", "-p", "5353", "this.tm"));
        Assert.Equal("10.43.0.1", await FocusAsync(first));
        Assert.True((await first.AskAsync(Cancel, "context", "use", "default")).Succeeded);
        Assert.Equal("10.42.0.1", await FocusAsync(first));

        await first.KillAsync();
        await FocusUntilAsync(second, "10.43.0.1");
        await first.JoinAsync(Cancel, $"{red.Machine.Address}:8443");
        Assert.Equal("10.43.0.1", await FocusAsync(first));
        Assert.Equal(0, await second.StopAsync(Cancel));
        await FocusUntilAsync(first, "10.42.0.1");
        Assert.Equal(0, await first.StopAsync(Cancel));
        Assert.Equal(before, conf.Text);
    }

    [Fact]
    public async Task A_mesh_whose_range_overlaps_that_of_another_context_is_refused_before_it_knows_of_the_device()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer red = await AddAsync(underlay, "red"), blue = await AddAsync(underlay, "blue"), first = await AddAsync(underlay, "laptop");
        await using Peer second = first.Beside("work", Token);
        await red.JoinAsync(Cancel);
        await blue.JoinAsync(Cancel, coordinator: "mesh_cidr: 10.42.128.0/17");
        await first.JoinAsync(Cancel, $"{red.Machine.Address}:8443");

        (int code, string output) = await second.FailToJoinAsync(Cancel, $"{blue.Machine.Address}:8443");
        Assert.Equal(3, code);
        Assert.Contains("10.42.128.0/17 overlaps 10.42.0.0/16 of the mesh of the context default", output, StringComparison.Ordinal);
        Assert.Contains("tunnelmesh leave --context default", output, StringComparison.Ordinal);
        Assert.Empty((await blue.AskJsonAsync(Cancel, "peers")).EnumerateArray());

        // Founding names a range that is free here, and leaves nothing behind.
        (code, output) = await second.FailToJoinAsync(Cancel);
        Assert.Equal(3, code);
        Assert.Contains("mesh_cidr: 10.43.0.0/16", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(second.Data));
        Assert.True(await first.Machine.ReachesAsync("10.42.0.1", 5, Cancel));

        // One at a time is fine.
        Assert.Equal(0, await first.StopAsync(Cancel));
        Assert.Equal("10.42.128.2", await second.JoinAsync(Cancel, $"{blue.Machine.Address}:8443"));
        Assert.Contains("cannot run at the same time", second.Program!.Output, StringComparison.Ordinal);
        (code, output) = await first.FailToJoinAsync(Cancel, $"{red.Machine.Address}:8443");
        Assert.Equal(3, code);
        Assert.Contains("of the mesh of the context work", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_of_a_context_is_installed_from_its_membership_alone()
    {
        Requirements.Programs("systemctl");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), first = await AddAsync(underlay, "laptop");
        await using Peer second = first.Beside("work", Token);
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443", root = Path.Combine(underlay.Folder, "root");
        await second.JoinAsync(Cancel, server);
        Assert.Equal(0, await second.StopAsync(Cancel));

        CommandResult installed = await first.AskAsync(Cancel, "service", "install", "--context", "work", "--root", root);
        Assert.True(installed.Succeeded, installed.ToString());
        string unit = await File.ReadAllTextAsync(Path.Combine(root, "etc/systemd/system/tunnelmesh-work.service"), Cancel);
        Assert.Contains($" join {server} --context work --name laptop\n", unit, StringComparison.Ordinal);
        Assert.Contains($"ConditionPathExists={first.Home}/contexts/work/mesh.json", unit, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(root, "etc/tunnelmesh/env-work.conf")));
        // The context in use counts where none is named.
        Assert.True((await first.AskAsync(Cancel, "context", "use", "work")).Succeeded);
        Assert.True((await first.AskAsync(Cancel, "service", "uninstall", "--root", root)).Succeeded);
        Assert.False(File.Exists(Path.Combine(root, "etc/systemd/system/tunnelmesh-work.service")));
    }
}
