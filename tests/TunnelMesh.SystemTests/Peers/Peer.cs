using System.Diagnostics;
using System.Text.Json;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>tunnelmesh on one machine of an underlay, with a home of its own.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _token;

    public Peer(Underlay underlay, NetworkNamespace machine, string name, string token)
        : this(machine, Path.Combine(underlay.Folder, name), name, "default", token)
    {
    }

    private Peer(NetworkNamespace machine, string folder, string name, string context, string token)
    {
        (Machine, Name, Context, Folder, _token) = (machine, name, context, folder, token);
        Directory.CreateDirectory(Folder);
    }

    /// <summary>A new machine with a peer that has not joined yet.</summary>
    public static async Task<Peer> AddAsync(Underlay underlay, string name, string token, CancellationToken cancel) =>
        new(underlay, await underlay.AddMachineAsync(cancel), name, token);

    /// <summary>Another context of the same home and machine.</summary>
    public Peer Beside(string context, string token) => new(Machine, Folder, Name, context, token);

    public NetworkNamespace Machine { get; }

    public string Name { get; }

    public string Context { get; }

    /// <summary>Everything of this machine's peer lies in here.</summary>
    public string Folder { get; }

    public string Home => Path.Combine(Folder, "home");

    public string Data => Path.Combine(Folder, Suffixed("data"));

    public RunningProgram? Program { get; private set; }

    /// <summary>Further variables of the program's environment.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Starts `join` and waits until the peer is usable; its mesh address.</summary>
    public async Task<string> JoinAsync(CancellationToken cancel, string? server = null, string configuration = "", IEnumerable<string>? wrapper = null, string coordinator = "")
    {
        Program = await StartAsync(server, configuration, wrapper, cancel, coordinator);
        string line = await Program.WaitForLineAsync("Connected to mesh as", Patience, cancel);
        return line[(line.IndexOf('(', StringComparison.Ordinal) + 1)..line.IndexOf(')', StringComparison.Ordinal)];
    }

    /// <summary>Starts a `join` that is expected to fail; its exit code and output.</summary>
    public async Task<(int Code, string Output)> FailToJoinAsync(CancellationToken cancel, string? server = null, string configuration = "", IEnumerable<string>? wrapper = null)
    {
        await using RunningProgram program = await StartAsync(server, configuration, wrapper, cancel);
        int code = await program.WaitForExitAsync(Patience, cancel);
        // The end of the process may be seen before the last of its lines.
        if (code != 0)
        {
            await program.WaitForLineAsync("tunnelmesh: ", Patience, cancel);
        }
        return (code, program.Output);
    }

    /// <summary>Asks the running peer.</summary>
    public Task<CommandResult> AskAsync(CancellationToken cancel, params string[] arguments) =>
        Machine.TryRunAsync(["env", $"TUNNELMESH_HOME={Home}", Repository.Binary, .. arguments], cancel);

    /// <summary>Asks over the control socket, without the start of a program for each question.</summary>
    public Task<LocalApiClient> ConnectAsync(CancellationToken cancel) => LocalApiClient.ConnectAsync([Path.Combine(Home, $"{Context}.sock")], cancel);

    /// <summary>The JSON a command answers.</summary>
    public async Task<JsonElement> AskJsonAsync(CancellationToken cancel, params string[] arguments)
    {
        CommandResult result = await AskAsync(cancel, [.. arguments, "--json"]);
        Assert.True(result.Succeeded, result.ToString());
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return document.RootElement.Clone();
    }

    /// <summary>Asks until the JSON answer is as wanted, for ten seconds.</summary>
    public Task AskUntilAsync(Func<JsonElement, bool> wanted, CancellationToken cancel, params string[] arguments) => AskUntilAsync(wanted, TimeSpan.FromSeconds(10), cancel, arguments);

    /// <summary>Asks until the JSON answer is as wanted, for no longer than <paramref name="limit"/>.</summary>
    public async Task AskUntilAsync(Func<JsonElement, bool> wanted, TimeSpan limit, CancellationToken cancel, params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        for (JsonElement answer; !wanted(answer = await AskJsonAsync(cancel, arguments)); await Task.Delay(50, cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < limit, answer.ToString());
        }
    }

    /// <summary>Ends it as a service manager does; its exit code.</summary>
    public Task<int> StopAsync(CancellationToken cancel) => Program!.TerminateAsync(TimeSpan.FromSeconds(5), cancel);

    /// <summary>Ends it as `kill -9` does: nothing is undone, nobody told.</summary>
    public async Task KillAsync()
    {
        await Program!.DisposeAsync();
        Program = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (Program is not null)
        {
            await Program.DisposeAsync();
        }
    }

    private async Task<RunningProgram> StartAsync(string? server, string configuration, IEnumerable<string>? wrapper, CancellationToken cancel, string coordinator = "")
    {
        string file = Path.Combine(Folder, $"{Suffixed("config")}.yaml");
        // Most tests are about something else, and talk by TCP and UDP; those of the filter say what they want.
        string filter = configuration.Contains("filter:", StringComparison.Ordinal) ? "" : "\nfilter:\n  default_deny: false";
        await File.WriteAllTextAsync(file, $"{configuration}{filter}\ncoordinator:\n  data_dir: {Data}\n  {coordinator}\n", cancel);
        string[] arguments = [.. wrapper ?? [], Repository.Binary, "join", .. server is null ? Array.Empty<string>() : [server], "--name", Name, "--config", file, .. Context == "default" ? Array.Empty<string>() : ["--context", Context]];
        return Machine.Start(arguments, new Dictionary<string, string>(Variables) { ["TUNNELMESH_HOME"] = Home, ["TUNNELMESH_TOKEN"] = _token });
    }

    private string Suffixed(string name) => Context == "default" ? name : $"{name}-{Context}";
}
