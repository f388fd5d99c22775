using System.Net;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Dns;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The names that the resolver answers: those of the map, without those by which coordinators are dialled, of this mesh and of the other contexts of the home. Any thread.</summary>
internal sealed class PeerZone
{
    // Each question is compared with all of them, and the network names them.
    private const int MaxForeign = 64;
    private readonly DnsResponder _responder;
    private readonly IReadOnlyList<IPNetwork> _ranges;
    private readonly string _dialled;
    private readonly Func<IReadOnlyList<string>> _servers;
    private readonly Lock _gate = new();
    private DnsHost[] _hosts = [];
    private string[] _coordinators = [], _elsewhere = [], _foreign = [];
    private uint _number;

    /// <summary>Begins with no names, and knows nothing of other contexts before <see cref="Refresh"/>.</summary>
    /// <param name="responder">Gets the zone.</param>
    /// <param name="ranges">Ranges of the mesh.</param>
    /// <param name="dialled">Host name or address by which this context dials its coordinator.</param>
    /// <param name="servers">Where the other contexts of the home dial theirs, as <see cref="OtherServers"/> says.</param>
    public PeerZone(DnsResponder responder, IReadOnlyList<IPNetwork> ranges, string dialled, Func<IReadOnlyList<string>> servers)
    {
        (_responder, _ranges, _dialled, _servers) = (responder, ranges, dialled, servers);
        Build();
    }

    /// <summary>Where the other contexts of a home dial their coordinators.</summary>
    /// <param name="contexts">The contexts.</param>
    /// <param name="own">The context that is left out.</param>
    public static IReadOnlyList<string> OtherServers(ContextStore contexts, string own) =>
        [.. contexts.Names().Where(n => n != own).Select(n => contexts.Membership(n)?.Server).OfType<string>()];

    /// <summary>The map has changed: names come and go.</summary>
    public void Take(NetworkMap map)
    {
        DnsHost[] hosts = [.. map.Devices.Values.Select(d => new DnsHost(d.Name, d.Wire.Aliases, d.Ip, d.Ip6, d.Wire.Coordinator)).OrderBy(h => h.Name, StringComparer.Ordinal)];
        string[] coordinators = [.. map.Coordinators.SelectMany(c => c.Urls).Select(HostOf).OfType<string>()];
        lock (_gate)
        {
            bool same = hosts.Length == _hosts.Length && hosts.Zip(_hosts).All(p => IsSame(p.First, p.Second));
            (_hosts, _coordinators, _number) = (hosts, coordinators, (uint)map.Number);
            if (!same || !Foreign().SequenceEqual(_foreign))
            {
                Build();
            }
        }
    }

    /// <summary>Looks where other contexts dial their coordinators now.</summary>
    /// <exception cref="IOException">The contexts cannot be listed.</exception>
    public void Refresh()
    {
        string[] elsewhere = [.. _servers().Select(HostOf).OfType<string>()];
        lock (_gate)
        {
            _elsewhere = elsewhere;
            if (!Foreign().SequenceEqual(_foreign))
            {
                Build();
            }
        }
    }

    // Whatever the mesh calls its devices, these stay names of the outside. Those that this machine knows by itself come first.
    private string[] Foreign() => [.. _elsewhere.Prepend(_dialled).Concat(_coordinators).Distinct().Take(MaxForeign)];

    private void Build()
    {
        _foreign = Foreign();
        _responder.Zone = DnsZone.Build(_hosts, _ranges, _number, _responder.NegativeTtl, _foreign);
    }

    private static bool IsSame(DnsHost a, DnsHost b) =>
        a.Name == b.Name && a.Coordinator == b.Coordinator && a.Ip.Equals(b.Ip) && a.Ip6.Equals(b.Ip6) && a.Aliases.SequenceEqual(b.Aliases);

    private static string? HostOf(string url) => CoordinatorAddress.TryParse(url, out CoordinatorAddress? address) && !IPAddress.TryParse(address.Host, out _) ? address.Host : null;
}
