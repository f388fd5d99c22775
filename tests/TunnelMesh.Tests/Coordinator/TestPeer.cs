using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A real control stream, with waits for what it sees.</summary>
internal sealed class TestPeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<ControlState> _states = [];
    private TaskCompletionSource _event = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TestPeer(JoinRequest request, byte[] root, MeshInfo mesh, PeerCertificate? certificate, NetworkMap? map, IReadOnlyList<string> endpoints, Action<MapChange>? onMap, TimeProvider time)
    {
        Request = request;
        Endpoints = endpoints;
        Stream = new ControlStream(new ControlStreamOptions
        {
            Request = request,
            MeshRoot = root,
            Mesh = mesh,
            Certificate = certificate,
            Map = map,
            Pins = new KeyPins(new Dictionary<string, string>(), _ => { }),
            Endpoints = () => new EndpointsUpdate { UdpPort = 2223, Endpoints = Endpoints },
            Transports = ["udp"],
            OnMap = change =>
            {
                onMap?.Invoke(change);
                Happened(null);
            },
            OnState = Happened,
            OnRenewed = result =>
            {
                Renewals++;
                Happened(null);
            },
        }, time);
        Running = Stream.RunAsync(_stop.Token);
    }

    internal JoinRequest Request { get; }

    internal ControlStream Stream { get; }

    /// <summary>Ends when the stream is stopped, and fails when it is refused for good.</summary>
    internal Task Running { get; }

    internal int Renewals { get; private set; }

    internal IReadOnlyList<string> Endpoints { get; set; }

    /// <summary>Every state so far.</summary>
    internal IReadOnlyList<ControlState> States
    {
        get
        {
            lock (_lock)
            {
                return [.. _states];
            }
        }
    }

    internal async Task<NetworkMap> UntilAsync(Func<NetworkMap, bool> condition)
    {
        await UntilAnyAsync(() => Stream.Map is { } map && condition(map));
        return Stream.Map!;
    }

    internal async Task<MapEntry> SeesAsync(string name, bool online) =>
        (await UntilAsync(map => map.ByName.TryGetValue(name, out MapEntry? entry) && entry.Wire.Online == online)).ByName[name];

    internal Task UntilStateAsync(Func<ControlState, bool> condition) => UntilAnyAsync(() => States.Any(condition));

    internal Task<ControlException> RefusedAsync() => Assert.ThrowsAsync<ControlException>(() => Running.WaitAsync(Patience));

    internal async Task StopAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await Running;
        }
        catch (ControlException)
        {
            // Tests that care look at Running themselves.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task UntilAnyAsync(Func<bool> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            Task next;
            lock (_lock)
            {
                next = _event.Task;
            }
            if (condition())
            {
                return;
            }
            await next.WaitAsync(patience.Token);
        }
    }

    private void Happened(ControlState? state)
    {
        TaskCompletionSource before;
        lock (_lock)
        {
            if (state is not null)
            {
                _states.Add(state);
            }
            before = _event;
            _event = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        before.SetResult();
    }
}
