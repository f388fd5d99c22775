using System.Diagnostics;
using System.Text.RegularExpressions;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>
/// The real systemd-resolved, NetworkManager, resolvconf and openresolv, each on a machine of its own that it has been installed on: programs there find names of the mesh and of others while a peer runs,
/// after somebody has taken its set-up away, after it was killed and after its end, and everything is as before.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class NameServiceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<NameLab> ResolvedAsync() => ReadyAsync("systemd-resolved", async lab =>
    {
        await lab.RunAsync("ln", "-sf", "../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf");
        CommandResult started = await lab.Nas.TryRunAsync(Cancel, "systemctl", "restart", "systemd-resolved");
        Assert.True(started.Succeeded, $"{started}\n{await lab.JournalAsync()}");
        // As whoever sets up the network there would say it.
        await lab.RunAsync("resolvectl", "dns", "eth0", lab.Outside.Address);
    });

    private static async Task<NameLab> ReadyAsync(string package, Func<NameLab, Task> prepare)
    {
        NameLab lab = await NameLab.CreateAsync(Cancel, package);
        try
        {
            await prepare(lab);
            await lab.FindOthersAsync();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    private static async Task<string> OwnAddressAsync(NameLab lab) => (await lab.RunAsync("ip", "-4", "-o", "address", "show", "tun-mesh0")).Split("inet ")[1].Split('/')[0];

    [Fact]
    public async Task Names_are_found_by_every_program_with_systemd_resolved()
    {
        await using NameLab lab = await ResolvedAsync();
        string before = await TellAsync();
        Assert.Contains(lab.Outside.Address, before, StringComparison.Ordinal);

        await lab.InstallAsync("systemd-resolved");
        string answer = await lab.RunAsync("resolvectl", "query", "hub.tunnelmesh");
        Assert.Contains("10.42.0.1", answer, StringComparison.Ordinal);
        Assert.Contains("link: tun-mesh0", answer, StringComparison.Ordinal);
        Assert.Contains("hub.tunnelmesh", await lab.RunAsync("resolvectl", "query", "10.42.0.1"), StringComparison.Ordinal);
        Assert.Contains(lab.Outside.Address, await lab.RunAsync("resolvectl", "query", "--cache=no", NameLab.Site), StringComparison.Ordinal);
        Assert.Contains("10.42.0.1", await lab.RunAsync("dig", "+short", "@127.0.0.53", "hub.tunnelmesh"), StringComparison.Ordinal);
        // Names of others go to the mesh's resolver only where they may be the mesh's: under `tm`, and the one that is dialled.
        int asked = (await lab.StatusAsync()).GetProperty("forwarded").GetInt32();
        await lab.RunAsync("resolvectl", "query", "--cache=no", NameLab.Site);
        Assert.Equal(asked, (await lab.StatusAsync()).GetProperty("forwarded").GetInt32());

        // It keeps what it was told over a restart. Nothing is done by the way, either.
        await lab.RunAsync("systemctl", "restart", "systemd-resolved");
        await lab.FindMeshAsync();
        Assert.Equal(0, await lab.RestoredAsync());
        await lab.FindOthersAsync();
        await lab.TakeAwayAsync("resolvectl", "revert", "tun-mesh0");
        await lab.TakeAwayAsync("resolvectl", "domain", "tun-mesh0", "example.net");
        await lab.TakeAwayAsync("sh", "-c", "systemctl stop systemd-resolved && rm -rf /run/systemd/resolve/netif && systemctl start systemd-resolved && resolvectl dns eth0 " + lab.Outside.Address);
        int restored = await lab.RestoredAsync();
        // One that an administrator stops stays so: that would show within the time of a close look.
        await lab.RunAsync("systemctl", "stop", "systemd-resolved");
        await Task.Delay(TimeSpan.FromSeconds(12), Cancel);
        string state = (await lab.Nas.TryRunAsync(Cancel, "systemctl", "is-active", "systemd-resolved")).Output.Trim();
        Assert.True(state == "inactive", $"{state}\n{await lab.JournalAsync()}");
        await lab.RunAsync("systemctl", "start", "systemd-resolved");
        await lab.FindMeshAsync();
        Assert.Equal(restored, await lab.RestoredAsync());

        await lab.EndAndComeBackAsync(TellAsync, before);

        // All that it was told, of links that were there before.
        async Task<string> TellAsync() => string.Join('\n', (await lab.RunAsync("sh", "-c", "readlink /etc/resolv.conf; cat /etc/resolv.conf; resolvectl dns; resolvectl domain; resolvectl default-route"))
            .Split('\n').Select(line => Regex.Replace(line, @"^Link \d+", "Link")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Names_are_found_by_every_program_with_NetworkManager()
    {
        await using NameLab lab = await ReadyAsync("network-manager", async lab =>
        {
            await lab.RunAsync("systemctl", "start", "NetworkManager");
            await lab.RunAsync("nmcli", "connection", "add", "type", "ethernet", "con-name", "lan", "ifname", "eth0",
                "ipv4.method", "manual", "ipv4.addresses", $"{lab.NasAddress}/24", "ipv4.gateway", lab.Outside.Address, "ipv4.dns", lab.Outside.Address, "ipv6.method", "disabled");
            await lab.RunAsync("nmcli", "--wait", "20", "connection", "up", "lan");
            await lab.UntilAsync(text => text.Contains("Generated by NetworkManager", StringComparison.Ordinal) && text.Contains($"nameserver {lab.Outside.Address}", StringComparison.Ordinal), "cat", "/etc/resolv.conf");
        });
        string before = await TellAsync();

        await lab.InstallAsync("networkmanager");
        await RequireInterfaceAsync();
        await lab.TakeAwayAsync("nmcli", "device", "reapply", "tun-mesh0");
        await RequireInterfaceAsync();
        await lab.TakeAwayAsync("systemctl", "restart", "NetworkManager");
        await RequireInterfaceAsync();

        await lab.EndAndComeBackAsync(TellAsync, before);

        // Whoever is told of names for an interface may take it over: its addresses of both families have to stay, and its size.
        async Task RequireInterfaceAsync()
        {
            await lab.UntilAsync(text => Regex.IsMatch(text, $"nameserver 10\\.42\\.[0-9.]+\nnameserver {lab.Outside.Address}"), "cat", "/etc/resolv.conf");
            Assert.StartsWith("10.42.", await OwnAddressAsync(lab), StringComparison.Ordinal);
            Assert.Contains("inet6 fd", await lab.RunAsync("ip", "-6", "-o", "address", "show", "tun-mesh0", "scope", "global"), StringComparison.Ordinal);
            Assert.Contains("mtu 1400", await lab.RunAsync("ip", "link", "show", "tun-mesh0"), StringComparison.Ordinal);
            await lab.RunAsync("ping", "-6", "-c", "1", "-w", "10", "hub.tunnelmesh");
        }

        Task<string> TellAsync() => lab.RunAsync("sh", "-c", "ls -l /etc/resolv.conf | cut -c 1-10; cat /etc/resolv.conf");
    }

    [Theory]
    [InlineData("resolvconf")]
    [InlineData("openresolv")]
    public async Task Names_are_found_by_every_program_with_resolvconf(string package)
    {
        await using NameLab lab = await ReadyAsync(package, async lab =>
        {
            // As ifupdown says it, without a metric. What the machine came with is dropped.
            await lab.Nas.TryRunAsync(Cancel, "resolvconf", "-d", "original.resolvconf");
            await SayAsync(lab, "search example.com");
        });
        string before = await TellAsync();
        Assert.Contains($"nameserver {lab.Outside.Address}\n", before, StringComparison.Ordinal);

        await lab.InstallAsync("resolvconf");
        string own = await OwnAddressAsync(lab), conf = $"nameserver {own}\nnameserver {lab.Outside.Address}";
        Assert.Contains(conf, await lab.RunAsync("cat", "/etc/resolv.conf"), StringComparison.Ordinal);
        // Another network, and its search list: the mesh stays first.
        await SayAsync(lab, "search example.net");
        Assert.Contains(conf, await lab.RunAsync("cat", "/etc/resolv.conf"), StringComparison.Ordinal);
        await lab.FindMeshAsync();
        await SayAsync(lab, "search example.com");

        await lab.TakeAwayAsync("resolvconf", "-d", "lo.tunnelmesh");
        if (package == "openresolv")
        {
            // Somebody writes the file by hand, in the middle of it all.
            await lab.TakeAwayAsync("sh", "-c", $"printf '# Generated by resolvconf\\nnameserver {lab.Outside.Address}\\n' > /etc/resolv.conf");
        }

        await lab.EndAndComeBackAsync(TellAsync, before, killed: async () =>
        {
            // The record stays, and whoever asks waits for the server that is not there before he asks the next.
            Assert.Contains(conf, await lab.RunAsync("cat", "/etc/resolv.conf"), StringComparison.Ordinal);
            long start = Stopwatch.GetTimestamp();
            Assert.StartsWith($"{lab.Outside.Address} ", await lab.RunAsync("getent", "ahostsv4", NameLab.Site), StringComparison.Ordinal);
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), "others' names take too long without the peer");
        });

        static Task<string> SayAsync(NameLab lab, string search) =>
            lab.RunAsync("sh", "-c", $"printf '{search}\\nnameserver {lab.Outside.Address}\\n' | resolvconf -a eth0.inet");

        Task<string> TellAsync() => lab.RunAsync("sh", "-c", "readlink /etc/resolv.conf; cat /etc/resolv.conf; resolvconf -l; resolvconf -i");
    }

    [Fact]
    public async Task A_file_that_an_unused_openresolv_does_not_write_is_not_taken_from_whoever_does()
    {
        await using NameLab lab = await ReadyAsync("openresolv", lab => lab.RunAsync("sh", "-c", $"printf '# by hand\\nnameserver {lab.Outside.Address}\\n' > /etc/resolv.conf"));
        string before = await TellAsync();
        await lab.InstallAsync("resolv.conf");
        await lab.EndAndComeBackAsync(TellAsync, before, killed: async () =>
        {
            await lab.FindOthersAsync();
            Assert.Contains($"nameserver {lab.Outside.Address}", await TellAsync(), StringComparison.Ordinal);
        });

        // Whoever writes into the file is seen, and so is who puts another in its place.
        await lab.RunAsync(BootedMachine.Program, "service", "start");
        await lab.TakeAwayAsync("sh", "-c", $"printf 'nameserver {lab.Outside.Address}\n' > /etc/resolv.conf");
        await lab.TakeAwayAsync("sh", "-c", $"printf 'nameserver {lab.Outside.Address}\n' > /etc/resolv.conf.new && mv /etc/resolv.conf.new /etc/resolv.conf");
        await lab.RunAsync(BootedMachine.Program, "service", "stop");
        Assert.Equal($"nameserver {lab.Outside.Address}", await TellAsync());

        Task<string> TellAsync() => lab.RunAsync("cat", "/etc/resolv.conf");
    }

    [Fact]
    public async Task With_systemd_resolved_one_of_two_homes_has_the_names_and_use_moves_them()
    {
        await using NameLab lab = await ResolvedAsync();
        Peer other = await lab.AddOtherMeshAsync();
        await lab.InstallAsync("systemd-resolved");
        const string home = "TUNNELMESH_HOME=/srv/second";
        await lab.RunAsync("sh", "-c", "mkdir -p /srv && printf 'tun: { name: tun-mesh7 }\\nssh_port: 2300\\ndns: { listen: \"127.0.0.53:5399\" }\\n' > /srv/second.yaml");
        await lab.RunAsync("systemd-run", "--unit=second", $"--setenv={home}", $"--setenv=TUNNELMESH_TOKEN={lab.Token}", BootedMachine.Program, "join", $"{other.Machine.Address}:8443", "--name", "nas", "--config", "/srv/second.yaml");
        await lab.UntilAsync(status => status.Contains("the peer of the context default (/root/.tunnelmesh) answers", StringComparison.Ordinal), "env", home, BootedMachine.Program, "status");
        Assert.StartsWith("10.42.0.1 ", await lab.RunAsync("getent", "ahostsv4", "this.tm"), StringComparison.Ordinal);
        Assert.DoesNotContain("10.43", await lab.RunAsync("resolvectl", "dns"), StringComparison.Ordinal);

        Assert.Contains("by systemd-resolved", await lab.RunAsync("env", home, BootedMachine.Program, "context", "use", "default"), StringComparison.Ordinal);
        Assert.StartsWith("10.43.0.1 ", await lab.RunAsync("getent", "ahostsv4", "this.tm"), StringComparison.Ordinal);
        Assert.Contains("the peer of the context default (/srv/second) answers", (await lab.StatusAsync()).GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.StartsWith($"{lab.Outside.Address} ", await lab.RunAsync("getent", "ahostsv4", NameLab.Site), StringComparison.Ordinal);
        // Each answers for its own where it is asked, whoever has the system.
        Assert.Equal("10.42.0.1", await lab.RunAsync("dig", "+short", "@127.0.0.53", "-p", "5353", "this.tm"));

        Assert.Equal(0, await lab.RestoredAsync());

        await lab.RunAsync("systemctl", "kill", "--signal=KILL", "second");
        await lab.UntilAsync(found => found.StartsWith("10.42.0.1 ", StringComparison.Ordinal), "getent", "ahostsv4", "this.tm");
        await lab.FindMeshAsync();
        await lab.FindOthersAsync();
    }
}
