using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using TunnelMesh.Node.Birthday;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// The peers of one device, whom the lanes share: their tunnels, each in its lane, and who carries which prefix. A change of the list is worked out here on
/// the thread that brings it, keys and tables included, and swapped in; no lane stops for it. Any thread.
/// </summary>
/// <param name="device">Knows the sessions; as many lanes as it says.</param>
/// <param name="time">Clock of the tunnels.</param>
/// <param name="mtu">The largest inner packet in bytes.</param>
/// <param name="filter">Keeps rules and flows of each peer; null for none.</param>
/// <param name="exit">What leaves the mesh; null for nothing.</param>
internal sealed class TunnelMembers(WireGuardDevice device, TimeProvider time, int mtu, PacketFilter? filter = null, ExitTraffic? exit = null)
{
    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<string, PeerTunnel> _byId = new();
    private readonly int[] _load = new int[device.Lanes];
    private volatile PeerTunnel[][] _tunnels = [.. Enumerable.Range(0, device.Lanes).Select(_ => Array.Empty<PeerTunnel>())];
    private volatile RouteTable<PeerTunnel> _routes = new([]);
    private int _changes;
    private long _refused;

    public WireGuardDevice Device => device;

    /// <summary>Which packets of peers come in; null for all of them.</summary>
    public PacketFilter? Filter => filter;

    /// <summary>What leaves the mesh.</summary>
    public ExitTraffic Exit { get; } = exit ?? new ExitTraffic(false, []);

    /// <summary>Bounds what is tried between hard and easy NATs by all lanes together.</summary>
    public BirthdayTurns Turns { get; } = new(time);

    /// <summary>Who carries which prefix, over all lanes; swapped whole.</summary>
    public RouteTable<PeerTunnel> Routes => _routes;

    /// <summary>How often peers were added or offered other ways: whoever holds something for unknown ones tries again when it has changed, and looks at the timers.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>Peers left out because their key gives no secrecy or is another's too, since start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The tunnels of one lane; swapped whole.</summary>
    public PeerTunnel[] OfLane(int lane) => _tunnels[lane];

    /// <summary>The tunnel to a device; null when there is none. Any thread.</summary>
    public PeerTunnel? Find(string deviceId) => _byId.GetValueOrDefault(deviceId);

    /// <inheritdoc cref="Find(string)"/>
    public PeerTunnel? Find(UInt128 device) => Find(device.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>Replaces the list of peers. Sessions of peers whose keys have not changed go on; a new peer goes to the lane with the fewest.</summary>
    /// <param name="peers">All peers; a device ID may come once.</param>
    public void Replace(IReadOnlyCollection<PeerSpec> peers)
    {
        lock (_changing)
        {
            var wanted = new Dictionary<string, PeerSpec>(peers.Count);
            foreach (PeerSpec spec in peers)
            {
                wanted.TryAdd(spec.DeviceId, spec);
            }

            // First what goes, so that a key can come back under another ID.
            bool routes = Remove(_byId.Values.Where(t => !wanted.TryGetValue(t.Spec.DeviceId, out PeerSpec? spec) || !SameKeys(t.Spec, spec)));
            bool added = false, offers = false;
            foreach (PeerSpec spec in wanted.Values)
            {
                if (_byId.TryGetValue(spec.DeviceId, out PeerTunnel? known))
                {
                    routes |= !known.Spec.AllowedPrefixes.SequenceEqual(spec.AllowedPrefixes);
                    known.Update(spec);
                    filter?.Join(spec.DeviceId, spec.Name);
                    offers |= known.HasNews;
                }
                else
                {
                    added |= TryAdd(spec);
                }
            }

            if (routes || added)
            {
                Publish();
            }

            if (added || offers)
            {
                Interlocked.Increment(ref _changes);
            }
        }
    }

    private static bool SameKeys(PeerSpec a, PeerSpec b) =>
        a.PublicKey.AsSpan().SequenceEqual(b.PublicKey) && a.PresharedKey.AsSpan().SequenceEqual(b.PresharedKey) && a.Stock == b.Stock;

    private bool Remove(IEnumerable<PeerTunnel> gone)
    {
        bool any = false;
        foreach (PeerTunnel tunnel in gone.ToArray())
        {
            _byId.TryRemove(tunnel.Spec.DeviceId, out _);
            _load[tunnel.Session.Lane]--;
            device.RemovePeer(tunnel.Session);
            filter?.Leave(tunnel.Spec.DeviceId);
            any = true;
        }

        return any;
    }

    private bool TryAdd(PeerSpec spec)
    {
        var tunnel = new PeerTunnel(spec, time, mtu, Turns) { Filter = filter?.Join(spec.DeviceId, spec.Name) };
        try
        {
            // Whole before a lane can meet it.
            tunnel.Session = new WireGuardPeer(device, spec.PublicKey, spec.PresharedKey, tunnel)
            {
                Lane = Array.IndexOf(_load, _load.Min()),
                PersistentKeepaliveSeconds = spec.PersistentKeepaliveSeconds,
            };
            device.AddPeer(tunnel.Session);
        }
        catch (ArgumentException)
        {
            // Another member's signed key may still be a bad one: it must cost nobody else the mesh.
            filter?.Leave(spec.DeviceId);
            Interlocked.Increment(ref _refused);
            return false;
        }

        _load[tunnel.Session.Lane]++;
        _byId[spec.DeviceId] = tunnel;
        return true;
    }

    private void Publish()
    {
        List<KeyValuePair<IPNetwork, PeerTunnel?>> routes = [];
        foreach (PeerTunnel tunnel in _byId.Values)
        {
            foreach (IPNetwork prefix in tunnel.Spec.AllowedPrefixes)
            {
                routes.Add(new(prefix, tunnel));
            }

            foreach (IPNetwork hole in tunnel.Spec.Exit ? Exit.Holes : [])
            {
                routes.Add(new(hole, null));
            }
        }

        _routes = new RouteTable<PeerTunnel>(routes);
        ILookup<int, PeerTunnel> lanes = _byId.Values.ToLookup(t => t.Session.Lane);
        _tunnels = [.. Enumerable.Range(0, device.Lanes).Select(lane => lanes[lane].ToArray())];
    }
}
