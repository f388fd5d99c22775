using System.Net;
using System.Net.NetworkInformation;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Notices when this machine's addresses change: by the system's notice, and by looking in case none comes.</summary>
internal sealed class EndpointMonitor : IAsyncDisposable
{
    /// <summary>How often is looked without a notice.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>How long notices are gathered: an address comes with several.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Endpoints offered; a machine with more addresses offers the first.</summary>
    public const int MaxEndpoints = 32;

    private readonly Func<IReadOnlyList<IPEndPoint>> _list;
    private readonly Func<IReadOnlyList<IPEndPoint>, CancellationToken, Task> _changed;
    private readonly Action<Exception> _failed;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _notice = new(0, 1);
    private readonly Task _running;

    /// <summary>Starts to watch.</summary>
    /// <param name="list">Lists the endpoints.</param>
    /// <param name="changed">Told of every list looked at; compares for itself.</param>
    /// <param name="failed">Told of the first look that failed after one that did not.</param>
    /// <param name="clock">Times the looks.</param>
    public EndpointMonitor(Func<IReadOnlyList<IPEndPoint>> list, Func<IReadOnlyList<IPEndPoint>, CancellationToken, Task> changed, Action<Exception> failed, TimeProvider clock)
    {
        _list = list;
        _changed = changed;
        _failed = failed;
        _clock = clock;
        NetworkChange.NetworkAddressChanged += OnNotice;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The endpoints of this machine: addresses outside the mesh with the tunnel's port.</summary>
    /// <param name="tunName">The mesh's interface, which is left out.</param>
    /// <param name="udpPort">The tunnel's port.</param>
    /// <param name="mesh">The mesh, whose addresses are no endpoints.</param>
    public static IReadOnlyList<IPEndPoint> List(string tunName, int udpPort, MeshInfo mesh)
    {
        IPNetwork[] ranges = [IPNetwork.Parse(mesh.Cidr), IPNetwork.Parse(mesh.Cidr6)];
        return [.. LocalNetworks.GetEndpointAddresses(tunName).Where(a => !Array.Exists(ranges, r => r.Contains(a))).Take(MaxEndpoints).Select(a => new IPEndPoint(a, udpPort))];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        NetworkChange.NetworkAddressChanged -= OnNotice;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void OnNotice(object? sender, EventArgs e)
    {
        try
        {
            if (_notice.CurrentCount == 0)
            {
                _notice.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Another notice came at the same time.
        }
    }

    private async Task RunAsync()
    {
        bool fails = false;
        try
        {
            while (true)
            {
                if (await WaitAsync().ConfigureAwait(false))
                {
                    await Task.Delay(Pause, _clock, _stop.Token).ConfigureAwait(false);
                }
                try
                {
                    await _changed(_list(), _stop.Token).ConfigureAwait(false);
                    fails = false;
                }
                catch (Exception e) when (!_stop.IsCancellationRequested)
                {
                    // One look that fails must not be the last: nobody would hear of new addresses any more.
                    if (!fails)
                    {
                        _failed(e);
                    }
                    fails = true;
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task<bool> WaitAsync()
    {
        using CancellationTokenSource look = new(Look, _clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(look.Token, _stop.Token);
        try
        {
            await _notice.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return false;
        }
    }
}
