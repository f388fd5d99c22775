using System.Net.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>
/// Asks the gateways of both families to forward our UDP port, in the background: PCP, NAT-PMP, then UPnP for IPv4; PCP for IPv6, where it opens the firewall. Thread-safe.
/// </summary>
public sealed class PortMapper : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly MappingCounts _counts;
    private readonly MappingKeeper _v4;
    private readonly MappingKeeper _v6;
    private readonly Task _running;

    private PortMapper(PortMapperOptions options, IMappingNetwork network)
    {
        _counts = new MappingCounts();
        _v4 = new MappingKeeper(options, AddressFamily.InterNetwork, [.. options.Methods.Select(Make)], _counts);
        // Of the three, PCP alone knows IPv6.
        _v6 = new MappingKeeper(options, AddressFamily.InterNetworkV6, [.. options.Methods.Where(m => m == PortMappingMethod.Pcp).Select(Make)], _counts);
        _running = Task.WhenAll(Task.Run(() => _v4.RunAsync(_stop.Token)), Task.Run(() => _v6.RunAsync(_stop.Token)), Task.Run(() => ListenAsync(network)));

        IMappingMethod Make(PortMappingMethod method) => method switch
        {
            PortMappingMethod.Pcp => new PcpMethod(network, _counts, options.Time),
            PortMappingMethod.NatPmp => new NatPmpMethod(network, _counts, options.Time),
            _ => new UpnpMethod(network, _counts),
        };
    }

    /// <summary>The mapping of IPv4 that is held now.</summary>
    public PortMapping? V4 => _v4.Current;

    /// <summary>The mapping of IPv6 that is held now.</summary>
    public PortMapping? V6 => _v6.Current;

    /// <summary>Why there is no mapping of IPv4, in a few words; null while there is one, or none was tried yet.</summary>
    public string? Problem => _v4.Problem;

    /// <summary>What was seen so far.</summary>
    public PortMapperCounters Counters => _counts.Read();

    /// <summary>Starts, and returns at once.</summary>
    /// <param name="options">What it needs.</param>
    public static PortMapper Start(PortMapperOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Start(options, new MappingNetwork(options.MakeSocket));
    }

    /// <summary>The same over another network.</summary>
    internal static PortMapper Start(PortMapperOptions options, IMappingNetwork network) => new(options, network);

    /// <summary>The network has changed, or the machine has slept: everything is asked for again, soon.</summary>
    public void Refresh()
    {
        _v4.Refresh();
        _v6.Refresh();
    }

    /// <summary>Gives the mappings back, for which it takes two seconds at most, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _v4.Dispose();
        _v6.Dispose();
        _stop.Dispose();
    }

    private async Task ListenAsync(IMappingNetwork network)
    {
        try
        {
            await network.ListenAsync((datagram, source) =>
            {
                // Announcements are heard over IPv4; mostly the same box is the gateway of IPv6.
                if (_v4.Hear(datagram.Span, source))
                {
                    _v6.Refresh();
                }
            }, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }
}
