using System.Diagnostics;
using System.Globalization;
using System.Net;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;

namespace TunnelMesh.Bench.CoordinatorLoad;

/// <summary>A coordinator in a process of its own, so that its memory and time are nobody else's.</summary>
internal sealed class CoordinatorProcess : IDisposable
{
    private readonly Process _process;

    private CoordinatorProcess(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    internal int Port { get; }

    /// <summary>Resident memory in MB.</summary>
    internal double Rss => Status("VmRSS:");

    /// <summary>The most it has been, in MB.</summary>
    internal double PeakRss => Status("VmHWM:");

    internal TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The child's side.</summary>
    internal static async Task<int> ServeAsync(string directory, int port)
    {
        await using SqliteState state = OpenState(directory);
        using MeshAuthority authority = OpenAuthority(directory, state);
        if (await Console.In.ReadLineAsync() is { Length: > 0 } token)
        {
            await state.AddTokenAsync(token, null, null, CancellationToken.None);
        }
        await using CoordinatorServer server = await CoordinatorServer.StartAsync(new CoordinatorServerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, port),
            Name = "hub",
            State = state,
            Authority = authority,
        }, CancellationToken.None);
        Console.WriteLine(server.Port.ToString(CultureInfo.InvariantCulture));
        await Console.In.ReadLineAsync();
        return 0;
    }

    internal static SqliteState OpenState(string directory) =>
        SqliteState.Open(new SqliteStateOptions { File = Path.Combine(directory, "state.db"), Cidr = "10.0.0.0/8" });

    internal static MeshAuthority OpenAuthority(string directory, SqliteState state) =>
        MeshAuthority.Open(Path.Combine(directory, "ca"), [state.Mesh.Cidr, state.Mesh.Ula], TimeProvider.System);

    /// <summary>Starts one and waits until it listens.</summary>
    internal static async Task<CoordinatorProcess> StartAsync(string directory, int port, string token)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("coordinator-serve");
        start.ArgumentList.Add(directory);
        start.ArgumentList.Add(port.ToString(CultureInfo.InvariantCulture));
        Process process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(token);
        string? line = await process.StandardOutput.ReadLineAsync();
        return int.TryParse(line, CultureInfo.InvariantCulture, out int actual)
            ? new CoordinatorProcess(process, actual)
            : throw new InvalidOperationException("the coordinator did not start");
    }

    /// <summary>Ends it as a power failure does.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }

    private double Status(string key)
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith(key, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
