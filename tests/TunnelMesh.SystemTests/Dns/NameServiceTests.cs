using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>
/// The real systemd-resolved and the real NetworkManager, each on a machine of its own that it has been installed on: programs there find names of the mesh and of others while a peer runs, after it was
/// killed and after its end, and everything is as before.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class NameServiceTests
{
    private const string Site = "www.example.com", Country = "nic.tm", Coordinator = "vpn.mesh";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Names_are_found_by_every_program_with_systemd_resolved()
    {
        Requirements.Programs("dig", "curl", "getent");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        string packages = await Requirements.PackagesAsync(Cancel, "systemd-resolved");
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel), outside = await underlay.AddMachineAsync(Cancel);
        await using OutsideNames names = Names(hub, outside);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel, packages: packages);
        await nas.RunAsync(Cancel, "ln", "-sf", "../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf");
        CommandResult started = await nas.TryRunAsync(Cancel, "systemctl", "restart", "systemd-resolved");
        Assert.True(started.Succeeded, $"{started}\n{(await nas.TryRunAsync(Cancel, "journalctl", "--no-pager", "--lines", "40")).Output}");
        // As whoever sets up the network there would say it.
        await nas.RunAsync(Cancel, "resolvectl", "dns", "eth0", outside.Address);
        await FindOthersAsync(nas, hub, outside);
        string before = await TellAsync();
        Assert.Contains(outside.Address, before, StringComparison.Ordinal);

        await InstallAsync(nas);
        await RequireWayAsync(nas, "systemd-resolved");
        await FindMeshAsync(nas);
        await FindOthersAsync(nas, hub, outside);
        string answer = await nas.RunAsync(Cancel, "resolvectl", "query", "hub.tunnelmesh");
        Assert.Contains("10.42.0.1", answer, StringComparison.Ordinal);
        Assert.Contains("link: tun-mesh0", answer, StringComparison.Ordinal);
        Assert.Contains("hub.tunnelmesh", await nas.RunAsync(Cancel, "resolvectl", "query", "10.42.0.1"), StringComparison.Ordinal);
        Assert.Contains(outside.Address, await nas.RunAsync(Cancel, "resolvectl", "query", "--cache=no", Site), StringComparison.Ordinal);
        Assert.Contains("10.42.0.1", await nas.RunAsync(Cancel, "dig", "+short", "@127.0.0.53", "hub.tunnelmesh"), StringComparison.Ordinal);
        // Names of others go to the mesh's resolver only where they may be the mesh's: under `tm`, and the one that is dialled.
        int asked = (await StatusAsync(nas)).GetProperty("forwarded").GetInt32();
        await nas.RunAsync(Cancel, "resolvectl", "query", "--cache=no", Site);
        Assert.Equal(asked, (await StatusAsync(nas)).GetProperty("forwarded").GetInt32());

        await EndAndComeBackAsync(nas, hub, outside, TellAsync, before);

        // All that it was told, of links that were there before.
        async Task<string> TellAsync() => string.Join('\n', (await nas.RunAsync(Cancel, "sh", "-c", "readlink /etc/resolv.conf; cat /etc/resolv.conf; resolvectl dns; resolvectl domain; resolvectl default-route"))
            .Split('\n').Select(line => System.Text.RegularExpressions.Regex.Replace(line, @"^Link \d+", "Link")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Names_are_found_by_every_program_with_NetworkManager()
    {
        Requirements.Programs("dig", "curl", "getent");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        string packages = await Requirements.PackagesAsync(Cancel, "network-manager");
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel), outside = await underlay.AddMachineAsync(Cancel);
        await using OutsideNames names = Names(hub, outside);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel, packages: packages);
        await nas.RunAsync(Cancel, "systemctl", "start", "NetworkManager");
        await nas.RunAsync(Cancel, "nmcli", "connection", "add", "type", "ethernet", "con-name", "lan", "ifname", "eth0",
            "ipv4.method", "manual", "ipv4.addresses", $"{network.Address}/24", "ipv4.dns", outside.Address, "ipv6.method", "disabled");
        await nas.RunAsync(Cancel, "nmcli", "--wait", "20", "connection", "up", "lan");
        await nas.UntilAsync(text => text.Contains("Generated by NetworkManager", StringComparison.Ordinal) && text.Contains($"nameserver {outside.Address}", StringComparison.Ordinal), Cancel, "cat", "/etc/resolv.conf");
        await FindOthersAsync(nas, hub, outside);
        string before = await TellAsync();

        await InstallAsync(nas);
        await RequireWayAsync(nas, "networkmanager");
        string own = (await nas.RunAsync(Cancel, "ip", "-4", "-o", "address", "show", "tun-mesh0")).Split("inet ")[1].Split('/')[0];
        await nas.UntilAsync(text => text.Contains($"nameserver {own}\nnameserver {outside.Address}", StringComparison.Ordinal), Cancel, "cat", "/etc/resolv.conf");
        await FindMeshAsync(nas);
        await FindOthersAsync(nas, hub, outside);
        // Whoever is told of names for an interface may take it over: its addresses of both families have to stay, and its size.
        Assert.Contains("inet6 fd", await nas.RunAsync(Cancel, "ip", "-6", "-o", "address", "show", "tun-mesh0", "scope", "global"), StringComparison.Ordinal);
        Assert.Contains("mtu 1400", await nas.RunAsync(Cancel, "ip", "link", "show", "tun-mesh0"), StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "ping", "-6", "-c", "1", "-w", "10", "hub.tunnelmesh");

        await EndAndComeBackAsync(nas, hub, outside, TellAsync, before);

        Task<string> TellAsync() => nas.RunAsync(Cancel, "sh", "-c", "ls -l /etc/resolv.conf | cut -c 1-10; cat /etc/resolv.conf");
    }

    private static OutsideNames Names(Peer hub, NetworkNamespace outside) =>
        new(outside, new Dictionary<string, string> { [Site] = outside.Address, [Country] = outside.Address, [Coordinator] = hub.Machine.Address });

    // With the few rights that the service has, and by a name that looks like one of the mesh.
    private static async Task InstallAsync(BootedMachine nas)
    {
        CommandResult installed = await nas.TryRunAsync(Cancel, "env", $"TUNNELMESH_SERVER={Coordinator}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
        Assert.True(installed.Succeeded, $"{installed}\n{(await nas.TryRunAsync(Cancel, "journalctl", "-u", "tunnelmesh", "--no-pager")).Output}");
        // One that was killed stays away until the test has looked.
        await nas.RunAsync(Cancel, "sh", "-c", "mkdir -p /run/systemd/system/tunnelmesh.service.d && printf '[Service]\\nRestart=no\\n' > /run/systemd/system/tunnelmesh.service.d/stay.conf && systemctl daemon-reload");
    }

    private static async Task<JsonElement> StatusAsync(BootedMachine nas)
    {
        using JsonDocument status = JsonDocument.Parse(await nas.RunAsync(Cancel, BootedMachine.Program, "status", "--json"));
        return status.RootElement.GetProperty("dns").Clone();
    }

    private static async Task RequireWayAsync(BootedMachine nas, string way)
    {
        JsonElement dns = await StatusAsync(nas);
        Assert.True(dns.GetProperty("system").GetString() == way, dns.ToString());
    }

    private static async Task FindMeshAsync(BootedMachine nas)
    {
        await nas.UntilAsync(found => found.StartsWith("10.42.0.1", StringComparison.Ordinal), Cancel, "getent", "ahostsv4", "hub.tunnelmesh");
        Assert.StartsWith("10.42.0.1", await nas.RunAsync(Cancel, "getent", "ahostsv4", "this.tm"), StringComparison.Ordinal);
        Assert.Contains("hub.tunnelmesh", await nas.RunAsync(Cancel, "getent", "hosts", "10.42.0.1"), StringComparison.Ordinal);
        Assert.Equal(2, (await nas.TryRunAsync(Cancel, "getent", "hosts", "nobody.tunnelmesh")).ExitCode);
        await nas.RunAsync(Cancel, "ping", "-4", "-c", "1", "-w", "10", "hub.mesh");
        Assert.NotEmpty(await nas.RunAsync(Cancel, "curl", "-sSk", "--max-time", "10", "https://hub.tunnelmesh:9443/health"));
    }

    private static async Task FindOthersAsync(BootedMachine nas, Peer hub, NetworkNamespace outside)
    {
        foreach ((string name, string address) in new[] { (Site, outside.Address), (Country, outside.Address), (Coordinator, hub.Machine.Address) })
        {
            Assert.StartsWith($"{address} ", await nas.RunAsync(Cancel, "getent", "ahostsv4", name), StringComparison.Ordinal);
        }
        Assert.Equal(2, (await nas.TryRunAsync(Cancel, "getent", "hosts", "nobody.example.com")).ExitCode);
        await nas.RunAsync(Cancel, "ping", "-4", "-c", "1", "-w", "10", Site);
    }

    private static async Task EndAndComeBackAsync(BootedMachine nas, Peer hub, NetworkNamespace outside, Func<Task<string>> tell, string before)
    {
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal(before, await UntilAsync());
        await FindOthersAsync(nas, hub, outside);
        Assert.Equal(2, (await nas.TryRunAsync(Cancel, "getent", "hosts", "hub.tunnelmesh")).ExitCode);

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "start");
        await FindMeshAsync(nas);
        Assert.NotEqual(before, await tell());
        await nas.RunAsync(Cancel, "systemctl", "kill", "--signal=KILL", "tunnelmesh");
        await nas.UntilAsync(state => state == "failed", Cancel, "systemctl", "is-active", "tunnelmesh");
        Assert.Equal(before, await UntilAsync());
        await FindOthersAsync(nas, hub, outside);

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "start");
        await FindMeshAsync(nas);
        await FindOthersAsync(nas, hub, outside);
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal(before, await UntilAsync());
        await FindOthersAsync(nas, hub, outside);

        // Whoever keeps the names learns of an interface that is gone from the kernel, a moment later.
        async Task<string> UntilAsync()
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            string now;
            while ((now = await tell()) != before && System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(50, Cancel);
            }
            return now;
        }
    }
}
