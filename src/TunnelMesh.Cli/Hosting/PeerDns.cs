using System.Net;
using System.Net.Sockets;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Dns;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Names of the mesh on this machine: the resolver, fed by the map, and the system's set-up. A resolver that cannot listen or a system that cannot be set up is told
/// and done without: the tunnels work by address all the same.
/// </summary>
internal sealed class PeerDns : IAsyncDisposable
{
    // Programs of multicast DNS all have this one, at every address (RFC 6762, section 15.1).
    private const int DnsPort = 53, MulticastDnsPort = 5353;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>Loopback addresses at which the system finds the resolver on port 53; the first that is free.</summary>
    private static readonly IPAddress[] LocalAddresses = [IPAddress.Parse("127.0.0.53"), IPAddress.Parse("127.0.0.153")];

    private readonly PeerHostOptions _options;
    private readonly SystemNames _system;
    private readonly string _ownId;
    private readonly string _dialled;
    private readonly IPNetwork[] _ranges;
    private readonly IReadOnlyList<TunAddress> _addresses;
    private readonly INetworkMonitor _network;
    private readonly DnsResponder _responder;
    private readonly DnsForwarder _forwarder;
    private readonly DnsServer _server;
    private readonly PeerZone _zone;
    private readonly HashSet<(string Alias, string Owner)> _warned = [];
    private readonly List<string> _listenProblems = [];
    private volatile IReadOnlyList<string> _aliasesTaken = [];
    private readonly bool _forExit;
    private RepeatedLook? _look;

    private PeerDns(PeerHostOptions options, SystemDnsSetup setup, MembershipStep step, IReadOnlyList<TunAddress> addresses, INetworkMonitor network)
    {
        (_options, _network, _addresses, _ownId) = (options, network, addresses, step.Membership.Device.Id);
        _system = new SystemNames(setup, new NameFocus(options.Layout, options.Context), options.Log, options.Time);
        _dialled = step.Request.Server.Host;
        _forExit = options.Settings.AllowExitTraffic || options.Settings.ExitPeer.Length > 0;
        _ranges = step.Membership.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) ? [range4, range6] : [];
        _forwarder = new DnsForwarder(options.MarkSocket);
        _responder = new DnsResponder((uint)options.Settings.DnsCacheTtl, options.Time) { ServesMesh = options.Settings.AllowExitTraffic };
        ContextStore contexts = new(options.Layout);
        _zone = new PeerZone(_responder, _ranges, _dialled, () => PeerZone.OtherServers(contexts, options.Context));
        _server = new DnsServer(_responder, _forwarder, options.Time);
    }

    /// <summary>Listens, and sets the system up.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="setup">The system; what an earlier process left behind has been undone.</param>
    /// <param name="step">The membership.</param>
    /// <param name="interfaceName">The mesh's interface.</param>
    /// <param name="addresses">Its addresses.</param>
    /// <param name="network">Tells of changes; stays the caller's.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<PeerDns> StartAsync(PeerHostOptions options, SystemDnsSetup setup, MembershipStep step, string interfaceName, IReadOnlyList<TunAddress> addresses,
        INetworkMonitor network, CancellationToken cancel)
    {
        PeerDns dns = new(options, setup, step, addresses, network);
        try
        {
            dns.Listen();
            dns.RefreshAudience();
            dns.FollowExitOfOthers();
            try
            {
                dns._zone.Refresh();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Of another context, which may just be deleted. The look asks again.
                options.Log.DnsLookFailed(e);
            }
            if (dns._forExit)
            {
                dns.RefreshServers();
            }
            await dns.SetSystemAsync(interfaceName, cancel).ConfigureAwait(false);
            dns._look = new RepeatedLook(dns.LookAsync, options.Log.DnsLookFailed, LookEvery, options.Time);
            network.Changed += dns.OnNetwork;
            return dns;
        }
        catch
        {
            await dns.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The map has changed: names come and go. One caller at a time.</summary>
    public void Take(NetworkMap map)
    {
        _zone.Take(map);
        WarnOfAliases(map);
    }

    /// <summary>Has the system ask this resolver, in place of another context's, if it can be.</summary>
    /// <param name="cancel">Gives up.</param>
    public async Task TakeSystemAsync(CancellationToken cancel)
    {
        await _system.TakeAsync(cancel).ConfigureAwait(false);
        RefreshServers();
    }

    /// <summary>Has the system ask this resolver no more.</summary>
    /// <param name="context">Which takes over.</param>
    /// <param name="cancel">Gives up.</param>
    public Task YieldSystemAsync(string context, CancellationToken cancel) => _system.YieldAsync(context, cancel);

    /// <summary>Whether systemd-resolved answers programs here without being set up by this peer. Any thread.</summary>
    public bool IsPassedBy => _system.IsPassedBy;

    /// <summary>Names of others are asked for where this machine's traffic leaves. Any thread.</summary>
    /// <param name="detour">False asks the servers of this machine again.</param>
    /// <param name="exit">The exit peer's mesh address; null while it is not known, and nobody is asked.</param>
    public void SetExit(bool detour, IPAddress? exit)
    {
        _forwarder.Detour = detour ? new DnsDetour(exit is null ? [] : [new IPEndPoint(exit, DnsPort)], _dialled) : null;
        _responder.Forwards = detour || _forwarder.Servers.Count > 0;
    }

    /// <summary>The resolver as `status` shows it.</summary>
    /// <param name="aliases">Aliases this device has.</param>
    public DnsReport Describe(IReadOnlyList<string> aliases)
    {
        DnsCounts counts = _server.Counts;
        string[] problems = [.. _listenProblems, .. _system.Problem is { } problem ? [problem] : Array.Empty<string>(), .. _aliasesTaken];
        return new DnsReport
        {
            Listen = [.. _server.Endpoints.Select(e => e.ToString())],
            System = _system.Way,
            SystemRestored = _system.Restored,
            Problem = problems.Length > 0 ? string.Join(' ', problems) : null,
            Names = _responder.Zone.Names,
            Aliases = aliases,
            Servers = [.. (_forwarder.Detour?.Servers ?? _forwarder.Servers).Select(s => s.ToString())],
            Answered = counts.Answered,
            Refused = counts.Refused,
            Forwarded = counts.Forwarded,
            ForwardFailures = counts.ForwardFailures,
            Drops = new Dictionary<string, long> { ["malformed"] = counts.Malformed, ["stranger"] = counts.Strangers, ["rate_limited"] = counts.Limited, ["unsent"] = counts.Unsent, ["crowded"] = counts.Crowded },
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _network.Changed -= OnNetwork;
        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }
        try
        {
            // Before the resolver ends: the system must not ask one that is gone.
            await _system.EndAsync().ConfigureAwait(false);
        }
        finally
        {
            await _server.DisposeAsync().ConfigureAwait(false);
            _system.Dispose();
        }
    }

    private void Listen()
    {
        if (_options.Settings.DnsListen is { } listen)
        {
            if (listen.Host.Length == 0 || IPAddress.TryParse(listen.Host, out _))
            {
                IPAddress address = listen.Host.Length == 0 ? IPAddress.Any : IPAddress.Parse(listen.Host);
                TryListen(new IPEndPoint(address, listen.Port), required: true, besideWildcards: listen.Port == MulticastDnsPort && IPAddress.IsLoopback(address));
            }
            else
            {
                Tell($"dns.listen names {listen.Host}, which is no IP address; the resolver listens at the mesh address only.");
            }
        }
        foreach (TunAddress address in _addresses)
        {
            TryListen(new IPEndPoint(address.Address, DnsPort), required: address.Address.AddressFamily == AddressFamily.InterNetwork);
        }
        string endpoints = string.Join(", ", _server.Endpoints);
        _options.Log.DnsListening(endpoints);
    }

    private bool TryListen(IPEndPoint endpoint, bool required, bool besideWildcards = false)
    {
        try
        {
            _server.Listen(endpoint, besideWildcards);
            return true;
        }
        catch (DnsListenException e)
        {
            if (required)
            {
                Tell(e.Message);
            }
            return false;
        }
    }

    private void Tell(string problem)
    {
        _listenProblems.Add(problem);
        _options.Log.DnsNotListening(problem);
    }

    private async Task SetSystemAsync(string interfaceName, CancellationToken cancel)
    {
        if (!_options.Settings.DnsSystem || _addresses.FirstOrDefault(a => a.Address.AddressFamily == AddressFamily.InterNetwork)?.Address is not { } own)
        {
            return;
        }
        IPAddress? local = OperatingSystem.IsLinux() ? Array.Find(LocalAddresses, a => TryListen(new IPEndPoint(a, DnsPort), required: false)) : null;
        if (local is null && !_server.Endpoints.Contains(new IPEndPoint(own, DnsPort)))
        {
            _system.GiveUp("the resolver has no port 53 at the mesh address, and systems ask no other.");
            return;
        }
        RefreshServers();
        bool all = _options.Settings.ExitPeer.Length > 0;
        // With the kill switch nothing opens by itself.
        bool reserve = all && !_options.Settings.ExitKillSwitch && await Task.Run(() => ExitSystem.ClosesNames(interfaceName, _options.Settings.FirewallMark), cancel).ConfigureAwait(false);
        await _system.StartAsync(new SystemDnsRequest(interfaceName, own, local, ["tunnelmesh", "mesh", "tm", .. _ranges.SelectMany(DnsZone.ReverseDomains)], _options.Context,
            All: all, Reserve: reserve, _addresses), cancel).ConfigureAwait(false);
        RefreshServers();
    }

    // Others write to the same places, some of them without a change of the network.
    private async Task LookAsync(CancellationToken cancel)
    {
        try
        {
            RefreshAudience();
            FollowExitOfOthers();
            _zone.Refresh();
        }
        finally
        {
            // What others have written over is seen whatever else fails.
            await _system.LookAsync(cancel).ConfigureAwait(false);
            if (_options.Settings.DnsSystem || _forExit)
            {
                RefreshServers();
            }
        }
    }

    private void OnNetwork(NetworkChanges changes) => _look?.Now();

    private void RefreshAudience() => _responder.Audience = new DnsAudience(_addresses.Select(a => a.Address).Concat(_network.State.Addresses.Select(a => a.Address)), _ranges);

    private void RefreshServers()
    {
        HashSet<IPAddress> own = [.. _server.Endpoints.Where(e => e.Port == DnsPort).Select(e => e.Address)];
        IPEndPoint[] servers = [.. _system.Servers(a => own.Contains(a) || _ranges.Any(r => r.Contains(a))).Select(a => new IPEndPoint(a, DnsPort))];
        if (!servers.SequenceEqual(_forwarder.Servers))
        {
            _forwarder.Servers = servers;
        }
        _responder.Forwards = servers.Length > 0 || _forwarder.Detour is not null;
    }

    // Where another context of this machine uses an exit peer, its resolver asks for names of others as that context wants it; servers of the LAN are closed to this one.
    private void FollowExitOfOthers()
    {
        if (_options.Settings.ExitPeer.Length > 0)
        {
            return;
        }
        ContextStore contexts = new(_options.Layout);
        IPEndPoint? other = contexts.Names().Where(n => n != _options.Context && ExitSetup.IsInUse(_options.Layout.ExitJournal(n)))
            .Select(n => contexts.Membership(n) is { } member && IPAddress.TryParse(member.Device.Ip, out IPAddress? ip) ? new IPEndPoint(ip, DnsPort) : null).FirstOrDefault(e => e is not null);
        if (!Equals(other, _forwarder.Detour?.Servers is [{ } now, ..] ? now : null))
        {
            _forwarder.Detour = other is null ? null : new DnsDetour([other], "");
            _responder.Forwards = other is not null || _forwarder.Servers.Count > 0;
        }
    }

    private void WarnOfAliases(NetworkMap map)
    {
        if (!map.Devices.TryGetValue(_ownId, out MapEntry? self))
        {
            return;
        }
        List<string> taken = [];
        foreach (string alias in _options.Settings.DnsAliases.Where(a => a != self.Name && !self.Wire.Aliases.Contains(a)))
        {
            if (MapNames.Find(map, alias, out _) is [{ } owner, ..] && owner.Id != _ownId)
            {
                taken.Add($"The alias {alias} is taken by the device {owner.Name}; this peer is without it.");
                if (_warned.Add((alias, owner.Id)))
                {
                    _options.Log.AliasTaken(alias, owner.Name);
                }
            }
        }
        _aliasesTaken = taken;
    }
}
