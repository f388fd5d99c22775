using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Node.Nat;

/// <summary>
/// Keeps a port mapped at one family's gateway: finds the method, renews at half life, begins anew when the gateway is another one, or has started anew, or lies.
/// </summary>
internal sealed class MappingKeeper : IDisposable
{
    /// <summary>Never more often than this, whatever gateways say.</summary>
    internal static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(1);

    /// <summary>A mapping that shall live longer is renewed as if it lived this long (RFC 6887 section 15).</summary>
    internal static readonly TimeSpan LongestLife = TimeSpan.FromHours(24);

    /// <summary>First and longest pause where there is no mapping to be had.</summary>
    internal static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1), LongestPause = TimeSpan.FromMinutes(30);

    /// <summary>First pause before a renewal is tried again; it doubles (RFC 6887 section 8.1.1).</summary>
    internal static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(4);

    // What a gateway that has started anew does not give again is gone.
    private const int TriesAfterRestart = 3;
    private static readonly TimeSpan UnmapTime = TimeSpan.FromSeconds(2);

    private readonly PortMapperOptions _options;
    private readonly AddressFamily _family;
    private readonly IReadOnlyList<IMappingMethod> _methods;
    private readonly MappingCounts _counts;
    private readonly SemaphoreSlim _refresh = new(0, 1);
    private readonly Lock _gate = new();
    private IMappingMethod? _method;
    private DefaultRoute? _route;
    private long _made;
    private TimeSpan _life;
    private TimeSpan _pause = FirstPause;
    private TimeSpan _retry = FirstRetry;
    private int _failures;
    private volatile bool _again;
    private volatile bool _restarted;

    public MappingKeeper(PortMapperOptions options, AddressFamily family, IReadOnlyList<IMappingMethod> methods, MappingCounts counts)
    {
        _options = options;
        _family = family;
        _methods = methods;
        _counts = counts;
    }

    /// <summary>The mapping that is held now.</summary>
    public PortMapping? Current
    {
        get => Volatile.Read(ref field);
        private set => Volatile.Write(ref field, value);
    }

    /// <summary>Why there is none; null while there is one, or nothing was tried yet.</summary>
    public string? Problem
    {
        get => Volatile.Read(ref field);
        private set => Volatile.Write(ref field, value);
    }

    /// <summary>The network changed, or a gateway said something: what is held is renewed, and what could not be had is tried again, soon. Any thread.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            _again = true;
            if (_refresh.CurrentCount == 0)
            {
                _refresh.Release();
            }
        }
    }

    /// <summary>Takes what a gateway sent to all. Any thread.</summary>
    /// <returns>True when it says that the gateway has started anew.</returns>
    public bool Hear(ReadOnlySpan<byte> datagram, IPAddress source)
    {
        bool restart;
        lock (_gate)
        {
            restart = _method is { } method && _route?.Gateway is { } gateway && gateway.Equals(source) && method.IsRestart(datagram);
        }

        if (restart)
        {
            _restarted = true;
            Refresh();
        }

        return restart;
    }

    /// <summary>Runs until it is cancelled; then gives the mapping back.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                if (_again)
                {
                    (_again, _pause) = (false, FirstPause);
                }

                TimeSpan next = await StepAsync(cancel).ConfigureAwait(false);
                // The second wait is for notices only: they come in crowds, and each costs the gateway something.
                await Task.Delay(LeastPause, _options.Time, cancel).ConfigureAwait(false);
                await WaitAsync(next - LeastPause, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _refresh.Dispose();

    // What to do now; returns when to do the next.
    private async Task<TimeSpan> StepAsync(CancellationToken cancel)
    {
        DefaultRoute? route = FindRoute();
        if (Current is not null && route?.Gateway is { } same && same.Equals(_route?.Gateway) && Equals(route.Source, _route?.Source))
        {
            return await RenewAsync(route, cancel).ConfigureAwait(false);
        }

        if (route != _route)
        {
            Drop();
            lock (_gate)
            {
                _route = route;
                foreach (IMappingMethod method in _methods)
                {
                    method.Forget();
                }
            }
        }

        if (route?.Gateway is null)
        {
            Problem = "there is no gateway";
            return LongestPause;
        }

        foreach (IMappingMethod method in _methods)
        {
            if (await AskAsync(method, route, null, cancel).ConfigureAwait(false) is { } attempt)
            {
                lock (_gate)
                {
                    _method = method;
                }

                _counts.Made();
                return Hold(method, route, attempt);
            }
        }

        TimeSpan pause = _pause;
        _pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        return pause;
    }

    private async Task<TimeSpan> RenewAsync(DefaultRoute route, CancellationToken cancel)
    {
        IMappingMethod method = _method!;
        if (await AskAsync(method, route, Current!.External, cancel).ConfigureAwait(false) is { } attempt)
        {
            _counts.Renewed();
            return Hold(method, route, attempt);
        }

        TimeSpan left = _life - _options.Time.GetElapsedTime(_made);
        if (left > LeastPause && !(_restarted && ++_failures >= TriesAfterRestart))
        {
            TimeSpan pause = _retry < left ? _retry : left;
            _retry *= 2;
            return pause;
        }

        Drop();
        return LeastPause;
    }

    private async Task<MappingAttempt?> AskAsync(IMappingMethod method, DefaultRoute route, IPEndPoint? held, CancellationToken cancel)
    {
        try
        {
            MappingAttempt attempt = await method.MapAsync(Wish(route, held), cancel).ConfigureAwait(false);
            if (attempt.External is not { } external)
            {
                Problem = attempt.Problem;
                return null;
            }

            // Of IPv4, an address that is ours is no outside; of IPv6, it is what a firewall lets through.
            if (!ExternalAddress.IsSound(external) || external.AddressFamily != _family || (_family == AddressFamily.InterNetwork && external.Address.Equals(route.Source))
                || attempt.Lifetime <= TimeSpan.Zero)
            {
                _counts.Lied();
                Problem = $"the gateway names {external}, which cannot be";
                return null;
            }

            Problem = null;
            return attempt;
        }
        catch (SocketException e)
        {
            Problem = e.SocketErrorCode == SocketError.ConnectionRefused ? "nothing listens on the gateway" : $"the gateway cannot be asked ({e.SocketErrorCode})";
            return null;
        }
    }

    private TimeSpan Hold(IMappingMethod method, DefaultRoute route, MappingAttempt attempt)
    {
        TimeSpan life = attempt.Lifetime < LongestLife ? attempt.Lifetime : LongestLife;
        (_made, _life, _pause, _retry, _failures, _restarted) = (_options.Time.GetTimestamp(), life, FirstPause, FirstRetry, 0, false);
        PortMapping? before = Current;
        Current = new PortMapping(method.Method, attempt.External!, route.Gateway!, _options.Time.GetUtcNow() + life, ExternalAddress.IsPublic(attempt.External!.Address));
        if (before is null || !before.External.Equals(Current.External) || before.Method != Current.Method)
        {
            _options.Changed?.Invoke();
        }

        return life / 2 > LeastPause ? life / 2 : LeastPause;
    }

    private void Drop()
    {
        lock (_gate)
        {
            _method = null;
        }

        (_retry, _failures, _restarted) = (FirstRetry, 0, false);
        if (Current is not null)
        {
            Current = null;
            _counts.Lost();
            _options.Changed?.Invoke();
        }
    }

    private async Task ReleaseAsync()
    {
        if (_method is not { } method || Current is not { } held || _route is not { } route)
        {
            return;
        }

        Current = null;
        using CancellationTokenSource limit = new(UnmapTime, _options.Time);
        try
        {
            await method.UnmapAsync(Wish(route, held.External), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It ends by itself.
        }
    }

    private MappingWish Wish(DefaultRoute route, IPEndPoint? held) => new(route.Gateway!, route.Source, (ushort)_options.Port, held, _options.Lifetime);

    private DefaultRoute? FindRoute()
    {
        try
        {
            NetworkState state = _options.Network();
            return _family == AddressFamily.InterNetwork ? state.V4 : state.V6;
        }
        catch (IOException)
        {
            return _route;
        }
    }

    private async Task WaitAsync(TimeSpan pause, CancellationToken cancel)
    {
        if (pause <= TimeSpan.Zero)
        {
            return;
        }

        using CancellationTokenSource timer = new(pause, _options.Time);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            await _refresh.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // No notice came.
        }
    }
}
