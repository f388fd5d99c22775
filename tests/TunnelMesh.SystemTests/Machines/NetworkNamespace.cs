using System.Diagnostics;
using System.Globalization;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>
/// One machine of an <see cref="Underlay"/>: a network namespace with a name of its own and one Ethernet port.
/// Deleting the namespace deletes every device in it.
/// </summary>
internal sealed class NetworkNamespace(string name, string address, string address6) : IAsyncDisposable
{
    /// <summary>The namespace's name, unique on this host.</summary>
    public string Name { get; } = name;

    /// <summary>Outside IPv4 address, from a range for documentation.</summary>
    public string Address { get; } = address;

    /// <summary>Outside IPv6 address, from the range for documentation.</summary>
    public string Address6 { get; } = address6;

    public static async Task<NetworkNamespace> CreateAsync(string name, string address, string address6, CancellationToken cancel)
    {
        await Command.RunAsync(["ip", "netns", "add", name], cancel: cancel);
        NetworkNamespace created = new(name, address, address6);
        await created.IpAsync("link set lo up", cancel);
        return created;
    }

    /// <summary>An `ip` command inside the namespace; its words are separated by spaces.</summary>
    public Task<string> IpAsync(string command, CancellationToken cancel) =>
        Command.RunAsync(["ip", "-n", Name, .. command.Split(' ')], cancel: cancel);

    public Task<string> RunAsync(IEnumerable<string> arguments, string? input = null, CancellationToken cancel = default) =>
        Command.RunAsync(Inside(arguments), input, cancel);

    public Task<CommandResult> TryRunAsync(IEnumerable<string> arguments, CancellationToken cancel) =>
        Command.TryRunAsync(Inside(arguments), cancel: cancel);

    /// <summary>`ip netns exec` replaces itself by the program, so the process id is the program's.</summary>
    public RunningProgram Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        RunningProgram.Start(Inside(arguments), environment);

    /// <summary>One ping that is repeated until it is answered, at most for <paramref name="seconds"/>.</summary>
    public async Task<bool> ReachesAsync(string target, int seconds, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            double left = Math.Max(1, Math.Ceiling(seconds - Stopwatch.GetElapsedTime(start).TotalSeconds));
            if ((await TryRunAsync(["ping", "-n", "-q", "-c", "1", "-i", "0.2", "-w", left.ToString(CultureInfo.InvariantCulture), target], cancel)).Succeeded)
            {
                return true;
            }

            // With a deadline, ping gives up at the first answer that there is no way, and a peer's map may be on its way still.
            if (Stopwatch.GetElapsedTime(start).TotalSeconds >= seconds)
            {
                return false;
            }

            await Task.Delay(100, cancel);
        }
    }

    /// <summary>How many of <paramref name="count"/> pings were answered; larger ones than the interface takes go in fragments only where that is wanted.</summary>
    public async Task<int> CountRepliesAsync(string target, int count, CancellationToken cancel, int payload = 56, bool fragments = false)
    {
        CommandResult result = await TryRunAsync(
            ["ping", "-n", "-c", $"{count}", "-i", "0.05", "-W", "2", "-M", fragments ? "dont" : "do", "-s", $"{payload}", target], cancel);
        return result.Output.Split('\n').Count(line => line.Contains("bytes from", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync() =>
        await Command.TryRunAsync(["ip", "netns", "delete", Name], cancel: CancellationToken.None);

    private string[] Inside(IEnumerable<string> arguments) => ["ip", "netns", "exec", Name, .. arguments];
}
