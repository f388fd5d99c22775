using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>A wireguard-go device on one machine, configured with the `wg` tool.</summary>
internal sealed class WireGuardGo : IAsyncDisposable
{
    private readonly NetworkNamespace machine;
    private readonly RunningProgram program;
    private readonly string device;

    private WireGuardGo(NetworkNamespace machine, RunningProgram program, string device)
    {
        this.machine = machine;
        this.program = program;
        this.device = device;
    }

    /// <summary>Starts the device with the given inside addresses and the whole of a `wg setconf` file.</summary>
    public static async Task<WireGuardGo> StartAsync(
        Underlay underlay, NetworkNamespace machine, string configuration, string[] addresses, CancellationToken cancel)
    {
        // Its control socket lies in one folder for all namespaces: the device's name has to be unique on the host.
        string device = "w" + machine.Name[2..];
        RunningProgram program = machine.Start(
            [await ProgramAsync(cancel), device],
            new Dictionary<string, string> { ["WG_PROCESS_FOREGROUND"] = "1", ["LOG_LEVEL"] = "verbose" });
        WireGuardGo started = new(machine, program, device);
        try
        {
            await program.WaitForLineAsync("UAPI listener started", TimeSpan.FromSeconds(10), cancel);
            string file = Path.Combine(underlay.Folder, $"{device}.conf");
            await File.WriteAllTextAsync(file, configuration, cancel);
            await started.ConfigureAsync(["setconf", device, file], cancel);
            foreach (string address in addresses)
            {
                await machine.IpAsync($"address add {address} dev {device}" + (address.Contains(':') ? " nodad" : ""), cancel);
            }

            await machine.IpAsync($"link set {device} mtu 1420 up", cancel);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public string Output => program.Output;

    /// <summary>Waits for a line of its verbose log.</summary>
    public Task<string> WaitForLineAsync(string text, CancellationToken cancel) => program.WaitForLineAsync(text, TimeSpan.FromSeconds(15), cancel);

    /// <summary>`wg set DEVICE …`: changes the running device.</summary>
    public Task SetAsync(string[] arguments, CancellationToken cancel) => ConfigureAsync(["set", device, .. arguments], cancel);

    /// <summary>`wg show DEVICE WHAT`: one line per peer, starting with its key.</summary>
    public Task<string> ShowAsync(string what, CancellationToken cancel) => machine.RunAsync(["wg", "show", device, what], cancel: cancel);

    public ValueTask DisposeAsync() => program.DisposeAsync();

    private Task<string> ConfigureAsync(string[] arguments, CancellationToken cancel) =>
        machine.RunAsync(["wg", .. arguments], cancel: cancel);

    private static async Task<string> ProgramAsync(CancellationToken cancel)
    {
        CommandResult result = await Command.TryRunAsync([Path.Combine(Repository.Root, "scripts", "get-anchor"), "wireguard-go"], cancel: cancel);
        Assert.SkipUnless(result.Succeeded, $"wireguard-go cannot be had here: {result.Errors.Trim()}");
        return result.Output.Trim();
    }
}
