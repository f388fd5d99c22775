using System.Net;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Tells when this machine's endpoints change: at the network monitor's word, and by looking now and then in case none comes.</summary>
internal sealed class EndpointMonitor : IAsyncDisposable
{
    /// <summary>How often is looked without a notice.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(60);

    /// <summary>How soon is looked again after a failure.</summary>
    public static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    /// <summary>Endpoints offered; a machine with more addresses offers the first.</summary>
    public const int MaxEndpoints = 32;

    private readonly Func<IReadOnlyList<IPEndPoint>> _list;
    private readonly Func<IReadOnlyList<IPEndPoint>, CancellationToken, Task> _changed;
    private readonly Action<Exception> _failed;
    private readonly INetworkMonitor _network;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    // Looks at once: what it compares with may have been listed a while ago.
    private readonly SemaphoreSlim _notice = new(1, 1);
    private readonly Task _running;

    /// <summary>Starts to watch.</summary>
    /// <param name="network">Says when to look; stays the caller's.</param>
    /// <param name="list">Lists the endpoints.</param>
    /// <param name="changed">Told of every list looked at; compares for itself.</param>
    /// <param name="failed">Told of the first look that failed after one that did not.</param>
    /// <param name="clock">Times the looks.</param>
    public EndpointMonitor(INetworkMonitor network, Func<IReadOnlyList<IPEndPoint>> list, Func<IReadOnlyList<IPEndPoint>, CancellationToken, Task> changed, Action<Exception> failed, TimeProvider clock)
    {
        _network = network;
        _list = list;
        _changed = changed;
        _failed = failed;
        _clock = clock;
        _network.Changed += OnNotice;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The endpoints of this machine: addresses outside the mesh with the tunnel's port.</summary>
    /// <param name="tunName">The mesh's interface, which is left out.</param>
    /// <param name="udpPort">The tunnel's port.</param>
    /// <param name="mesh">The mesh, whose addresses are no endpoints.</param>
    /// <param name="others">Ranges of other meshes that this machine is a member of: a tunnel does not run inside another.</param>
    public static IReadOnlyList<IPEndPoint> List(string tunName, int udpPort, MeshInfo mesh, IReadOnlyList<IPNetwork> others)
    {
        IPNetwork[] ranges = [IPNetwork.Parse(mesh.Cidr), IPNetwork.Parse(mesh.Cidr6), .. others];
        return [.. LocalNetworks.GetEndpointAddresses(tunName).Where(a => !Array.Exists(ranges, r => r.Contains(a))).Take(MaxEndpoints).Select(a => new IPEndPoint(a, udpPort))];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _network.Changed -= OnNotice;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void OnNotice(NetworkChanges changes)
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
                await WaitAsync(fails ? Retry : Look).ConfigureAwait(false);
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

    private async Task WaitAsync(TimeSpan longest)
    {
        using CancellationTokenSource look = new(longest, _clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(look.Token, _stop.Token);
        try
        {
            await _notice.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // No notice came.
        }
    }
}
