namespace TunnelMesh.SystemTests.Machines;

/// <summary>tinyproxy on a machine: an HTTP proxy that lets CONNECT to port 443 through and nothing else.</summary>
internal sealed class HttpProxy : IAsyncDisposable
{
    private const int Port = 8888;
    private readonly RunningProgram _program;

    private HttpProxy(RunningProgram program, string address) => (_program, Address) = (program, $"http://{address}:{Port}");

    /// <summary>As HTTPS_PROXY has it.</summary>
    public string Address { get; }

    /// <summary>What it was asked for, a line for each request.</summary>
    public IReadOnlyList<string> Requests => [.. _program.Output.Split('\n').Where(line => line.Contains("Request (file descriptor", StringComparison.Ordinal)).Select(line => line[(line.IndexOf("): ", StringComparison.Ordinal) + 3)..])];

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="underlay">Whose machine it is.</param>
    /// <param name="machine">Where it runs.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<HttpProxy> StartAsync(Underlay underlay, NetworkNamespace machine, CancellationToken cancel)
    {
        Requirements.Programs("tinyproxy");
        string file = Path.Combine(underlay.Folder, "tinyproxy.conf");
        await File.WriteAllTextAsync(file, $"Port {Port}\nConnectPort 443\nMaxClients 50\nLogLevel Info\n", cancel);
        HttpProxy proxy = new(machine.Start(["tinyproxy", "-d", "-c", file]), machine.Address);
        try
        {
            await proxy._program.WaitForLineAsync("Accepting connections", TimeSpan.FromSeconds(10), cancel);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _program.DisposeAsync();
}
