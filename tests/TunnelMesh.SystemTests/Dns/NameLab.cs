using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>
/// A machine of its own, on which packages of Debian that have to do with names are really installed, beside a coordinator and somebody else's name server. Programs there find names by whatever the
/// packages have set up. The peer there is a service, with the few rights that it has, and dials the coordinator by a name that looks like one of the mesh.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class NameLab : IAsyncDisposable
{
    public const string Site = "www.example.com";
    private const string Country = "nic.tm", Coordinator = "vpn.mesh";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Stack<Func<ValueTask>> _undo = new();
    private readonly CancellationToken _cancel;

    private NameLab(Underlay underlay, CancellationToken cancel) => (Underlay, _cancel) = (underlay, cancel);

    public Underlay Underlay { get; }

    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>The coordinator.</summary>
    public Peer Hub { get; private set; } = null!;

    /// <summary>The machine with the packages.</summary>
    public BootedMachine Nas { get; private set; } = null!;

    /// <summary>Its address.</summary>
    public string NasAddress { get; private set; } = "";

    /// <summary>Who answers for names of others.</summary>
    public NetworkNamespace Outside { get; private set; } = null!;

    public static async Task<NameLab> CreateAsync(CancellationToken cancel, params string[] packages)
    {
        Requirements.Programs("dig", "curl", "getent");
        NameLab lab = new(await Underlay.CreateAsync(cancel), cancel);
        try
        {
            await lab.BuildAsync(await Requirements.PackagesAsync(cancel, packages));
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_undo.TryPop(out Func<ValueTask>? undo))
        {
            await undo();
        }

        await Underlay.DisposeAsync();
    }

    /// <summary>Another coordinator, of a mesh with the range 10.43.0.0/16. Ends with the lab.</summary>
    public async Task<Peer> AddOtherMeshAsync()
    {
        Peer other = await Peer.AddAsync(Underlay, "other", Token, _cancel);
        _undo.Push(other.DisposeAsync);
        await other.JoinAsync(_cancel, coordinator: "mesh_cidr: 10.43.0.0/16");
        return other;
    }

    /// <summary>A command there that has to succeed; its output, trimmed.</summary>
    public Task<string> RunAsync(params string[] arguments) => Nas.RunAsync(_cancel, arguments);

    public Task<string> UntilAsync(Func<string, bool> wanted, params string[] arguments) => Nas.UntilAsync(wanted, _cancel, arguments);

    /// <summary>Installs the service, and requires that it set the system up in this way.</summary>
    public async Task InstallAsync(string way)
    {
        CommandResult installed = await Nas.TryRunAsync(_cancel, "env", $"TUNNELMESH_SERVER={Coordinator}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
        Assert.True(installed.Succeeded, $"{installed}\n{await JournalAsync()}");
        // One that was killed stays away until the test has looked.
        await RunAsync("sh", "-c", "mkdir -p /run/systemd/system/tunnelmesh.service.d && printf '[Service]\\nRestart=no\\n' > /run/systemd/system/tunnelmesh.service.d/stay.conf && systemctl daemon-reload");
        JsonElement dns = await StatusAsync();
        Assert.True(dns.GetProperty("system").GetString() == way, $"{dns}\n{await JournalAsync()}");
        await FindMeshAsync();
        await FindOthersAsync();
    }

    /// <summary>What `status` says of names.</summary>
    public async Task<JsonElement> StatusAsync()
    {
        using JsonDocument status = JsonDocument.Parse(await RunAsync(BootedMachine.Program, "status", "--json"));
        return status.RootElement.GetProperty("dns").Clone();
    }

    /// <summary>How often somebody had taken the set-up away, and it came back.</summary>
    public async Task<int> RestoredAsync() => (await StatusAsync()).GetProperty("system_restored").GetInt32();

    /// <summary>Somebody takes the set-up away: it comes back, and is counted.</summary>
    public async Task TakeAwayAsync(params string[] command)
    {
        int before = await RestoredAsync();
        await RunAsync(command);
        long start = Stopwatch.GetTimestamp();
        for (JsonElement dns; (dns = await StatusAsync()).GetProperty("system_restored").GetInt32() == before; await Task.Delay(100, _cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"{string.Join(' ', command)}: {dns}\n{await JournalAsync()}");
        }

        await FindMeshAsync();
        await FindOthersAsync();
        Assert.Equal(JsonValueKind.Null, (await StatusAsync()).GetProperty("problem").ValueKind);
    }

    public async Task FindMeshAsync()
    {
        await UntilAsync(found => found.StartsWith("10.42.0.1", StringComparison.Ordinal), "getent", "ahostsv4", "hub.tunnelmesh");
        Assert.StartsWith("10.42.0.1", await RunAsync("getent", "ahostsv4", "this.tm"), StringComparison.Ordinal);
        Assert.Contains("hub.tunnelmesh", await RunAsync("getent", "hosts", "10.42.0.1"), StringComparison.Ordinal);
        Assert.Equal(2, (await Nas.TryRunAsync(_cancel, "getent", "hosts", "nobody.tunnelmesh")).ExitCode);
        await RunAsync("ping", "-4", "-c", "1", "-w", "10", "hub.mesh");
        Assert.NotEmpty(await RunAsync("curl", "-sSk", "--max-time", "10", "https://hub.tunnelmesh:9443/health"));
    }

    public async Task FindOthersAsync()
    {
        foreach ((string name, string address) in new[] { (Site, Outside.Address), (Country, Outside.Address), (Coordinator, Hub.Machine.Address) })
        {
            Assert.StartsWith($"{address} ", await RunAsync("getent", "ahostsv4", name), StringComparison.Ordinal);
        }

        Assert.Equal(2, (await Nas.TryRunAsync(_cancel, "getent", "hosts", "nobody.example.com")).ExitCode);
        await RunAsync("ping", "-4", "-c", "1", "-w", "10", Site);
    }

    /// <summary>Stop, start, kill -9, start and stop: the system is as before after each end, and after a kill as far as it can be.</summary>
    /// <param name="tell">Tells what there is to be put back.</param>
    /// <param name="before">What that was.</param>
    /// <param name="killed">Looks what is there after a kill; null where all is as before.</param>
    public async Task EndAndComeBackAsync(Func<Task<string>> tell, string before, Func<Task>? killed = null)
    {
        await RunAsync(BootedMachine.Program, "service", "stop");
        Assert.Equal(before, await AgainAsync());
        await FindOthersAsync();
        Assert.Equal(2, (await Nas.TryRunAsync(_cancel, "getent", "hosts", "hub.tunnelmesh")).ExitCode);

        await RunAsync(BootedMachine.Program, "service", "start");
        await FindMeshAsync();
        Assert.NotEqual(before, await tell());
        await RunAsync("systemctl", "kill", "--signal=KILL", "tunnelmesh");
        await UntilAsync(state => state == "failed", "systemctl", "is-active", "tunnelmesh");
        if (killed is null)
        {
            Assert.Equal(before, await AgainAsync());
            await FindOthersAsync();
        }
        else
        {
            await killed();
        }

        await RunAsync(BootedMachine.Program, "service", "start");
        await FindMeshAsync();
        await FindOthersAsync();
        await RunAsync(BootedMachine.Program, "service", "stop");
        Assert.Equal(before, await AgainAsync());
        await FindOthersAsync();

        // Whoever keeps the names learns of an interface that is gone from the kernel, a moment later.
        async Task<string> AgainAsync()
        {
            long start = Stopwatch.GetTimestamp();
            string now;
            while ((now = await tell()) != before && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(50, _cancel);
            }

            return now;
        }
    }

    public async Task<string> JournalAsync() => (await Nas.TryRunAsync(_cancel, "journalctl", "--no-pager", "--lines", "60")).Output;

    private async Task BuildAsync(string packages)
    {
        Hub = await Peer.AddAsync(Underlay, "hub", Token, _cancel);
        _undo.Push(Hub.DisposeAsync);
        NetworkNamespace network = await Underlay.AddMachineAsync(_cancel);
        NasAddress = network.Address;
        Outside = await Underlay.AddMachineAsync(_cancel);
        OutsideNames names = new(Outside, new Dictionary<string, string> { [Site] = Outside.Address, [Country] = Outside.Address, [Coordinator] = Hub.Machine.Address });
        _undo.Push(names.DisposeAsync);
        await Hub.JoinAsync(_cancel);
        Nas = await BootedMachine.StartAsync(Underlay, network, _cancel, packages: packages);
        _undo.Push(Nas.DisposeAsync);
        // Whoever asks a server that is not there any more waits, as on a machine of the internet.
        await network.IpAsync($"route add default via {Outside.Address}", _cancel);
    }
}
