using System.Collections.Immutable;
using System.Net;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>
/// The network map as this device believes it: an immutable snapshot. Every entry has been verified by this device itself;
/// what does not hold is left out and counted. Thread-safe, pure except for the pins it reports to.
/// </summary>
public sealed class NetworkMap
{
    private readonly byte[] _root;

    private NetworkMap(byte[] root, string epoch, long number, MeshInfo mesh, IReadOnlyList<MapCoordinator> coordinators, MapFilter? filter, IReadOnlyList<string>? groups,
        ImmutableDictionary<string, MapEntry> byId, ImmutableDictionary<string, MapEntry> byName, ImmutableDictionary<IPAddress, MapEntry> byAddress)
    {
        _root = root;
        Epoch = epoch;
        Number = number;
        Mesh = mesh;
        Ranges = mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) ? [range4, range6] : [];
        Coordinators = coordinators;
        Filter = filter;
        Groups = groups;
        Devices = byId;
        ByName = byName;
        ByAddress = byAddress;
    }

    /// <summary>Identity of the numbering.</summary>
    public string Epoch { get; }
    /// <summary>Number of the newest change contained.</summary>
    public long Number { get; }
    /// <summary>The mesh.</summary>
    public MeshInfo Mesh { get; }
    /// <summary>The mesh's ranges, IPv4 and IPv6; none when they cannot be read, and the map then holds no device.</summary>
    public IReadOnlyList<IPNetwork> Ranges { get; }
    /// <summary>All coordinators.</summary>
    public IReadOnlyList<MapCoordinator> Coordinators { get; }
    /// <summary>What the coordinator says to the packet filter; null when it says nothing.</summary>
    public MapFilter? Filter { get; }
    /// <summary>Names of all groups but <c>everyone</c>; null when the coordinator says nothing of groups.</summary>
    public IReadOnlyList<string>? Groups { get; }
    /// <summary>All devices by ID.</summary>
    public ImmutableDictionary<string, MapEntry> Devices { get; }
    /// <summary>By name; aliases are not in it.</summary>
    public ImmutableDictionary<string, MapEntry> ByName { get; }
    /// <summary>By mesh address, IPv4 and IPv6.</summary>
    public ImmutableDictionary<IPAddress, MapEntry> ByAddress { get; }

    /// <summary>The map of a full message, compared with the one before it, if any.</summary>
    /// <param name="message">As received, or from the cache.</param>
    /// <param name="meshRootSha256">SHA-256 of the pinned root's DER.</param>
    /// <param name="before">The map until now, or null.</param>
    /// <param name="pins">Told of every name and key.</param>
    /// <param name="now">For expiry.</param>
    public static MapChange FromFull(MapFull message, byte[] meshRootSha256, NetworkMap? before, KeyPins pins, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(message);
        NetworkMap empty = new(meshRootSha256, message.Epoch, message.Number, message.Mesh, message.Coordinators, message.Filter, message.Groups,
            ImmutableDictionary<string, MapEntry>.Empty, ImmutableDictionary<string, MapEntry>.Empty, ImmutableDictionary<IPAddress, MapEntry>.Empty);
        MapDelta all = new() { Epoch = message.Epoch, From = message.Number, Number = message.Number, Upserted = message.Devices };
        // Other objects even when they say the same as before: telling the filter twice costs little.
        MapChange built = empty.Rebuild(all, pins, now) with { FilterChanged = true, GroupsChanged = true, CoordinatorsChanged = true };
        if (before is null)
        {
            return built;
        }
        return built with
        {
            Removed = [.. before.Devices.Values.Where(d => !built.Map.Devices.ContainsKey(d.Id))],
            Upserted = [.. built.Map.Devices.Values.Where(d => !before.Devices.TryGetValue(d.Id, out MapEntry? old) || !SameButPresence(old, d))],
        };
    }

    /// <summary>Applies a delta. Old numbers change nothing; a missing one, or another epoch, gives <see cref="MapChange.Gap"/>.</summary>
    public MapChange Apply(MapDelta delta, KeyPins pins, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(delta);
        if (delta.Epoch != Epoch || delta.From > Number || delta.Number < delta.From)
        {
            return new MapChange { Map = this, Gap = true };
        }
        // A delta that begins earlier but ends later still holds whole entries, so it may be applied on top.
        return delta.Number <= Number
            ? new MapChange { Map = this }
            : Rebuild(delta, pins, now);
    }

    /// <summary>The wire form, for the cache.</summary>
    public MapFull ToWire() => new()
    {
        Epoch = Epoch,
        Number = Number,
        Mesh = Mesh,
        Devices = [.. Devices.Values.Select(d => d.Wire)],
        Coordinators = Coordinators,
        Filter = Filter,
        Groups = Groups,
    };

    private MapChange Rebuild(MapDelta delta, KeyPins pins, DateTimeOffset now)
    {
        ImmutableDictionary<string, MapEntry>.Builder byId = Devices.ToBuilder();
        ImmutableDictionary<string, MapEntry>.Builder byName = ByName.ToBuilder();
        ImmutableDictionary<IPAddress, MapEntry>.Builder byAddress = ByAddress.ToBuilder();
        List<MapEntry> changed = [], gone = [];
        int dropped = 0;
        bool grouped = delta.Groups is not null;

        void Forget(MapEntry entry)
        {
            byId.Remove(entry.Id);
            byName.Remove(entry.Name);
            byAddress.Remove(entry.Ip);
            byAddress.Remove(entry.Ip6);
        }

        void Remember(MapEntry entry)
        {
            byId[entry.Id] = entry;
            byName[entry.Name] = entry;
            byAddress[entry.Ip] = entry;
            byAddress[entry.Ip6] = entry;
        }

        foreach (string id in delta.Removed)
        {
            if (byId.TryGetValue(id, out MapEntry? entry))
            {
                Forget(entry);
                gone.Add(entry);
                // Whoever was in a group must not come back into it by what was worked out before.
                grouped |= entry.Wire.Groups is { Count: > 0 };
            }
        }
        // Everything that changes leaves its place first: two devices may swap names or addresses in one delta.
        Dictionary<string, MapEntry> replaced = [];
        foreach (MapDevice device in delta.Upserted)
        {
            if (byId.TryGetValue(device.Id, out MapEntry? old))
            {
                Forget(old);
                replaced[device.Id] = old;
            }
        }
        foreach (MapDevice device in delta.Upserted)
        {
            MapEntry? entry = MapEntry.Parse(device, _root, Mesh, now);
            if (entry is null || byId.ContainsKey(entry.Id) || byName.ContainsKey(entry.Name) || byAddress.ContainsKey(entry.Ip) || byAddress.ContainsKey(entry.Ip6))
            {
                dropped++;
                continue;
            }
            pins.Observe(entry.Name, entry.IdentityKey);
            Remember(entry);
            bool known = replaced.Remove(entry.Id, out MapEntry? old);
            grouped |= !SameGroups(old, entry);
            if (!known || !SameButPresence(old!, entry))
            {
                changed.Add(entry);
            }
        }
        gone.AddRange(replaced.Values);
        grouped |= replaced.Values.Any(e => e.Wire.Groups is { Count: > 0 });
        foreach (PresenceChange change in delta.Presence)
        {
            if (byId.TryGetValue(change.Id, out MapEntry? entry))
            {
                MapEntry moved = entry.With(change);
                Remember(moved);
                grouped |= !SameGroups(entry, moved);
                if (!SameButPresence(entry, moved))
                {
                    changed.Add(moved);
                }
            }
        }
        ImmutableDictionary<string, MapEntry> names = byName.ToImmutable();
        if (delta.Upserted.Count > 0)
        {
            pins.Bound(names.Count, names.ContainsKey);
        }
        return new MapChange
        {
            Map = new NetworkMap(_root, Epoch, delta.Number, Mesh, delta.Coordinators ?? Coordinators, delta.Filter ?? Filter, delta.Groups ?? Groups, byId.ToImmutable(), names, byAddress.ToImmutable()),
            FilterChanged = delta.Filter is not null,
            CoordinatorsChanged = delta.Coordinators is not null,
            GroupsChanged = grouped,
            Upserted = changed,
            Removed = gone,
            Dropped = dropped,
        };
    }

    private static bool SameGroups(MapEntry? a, MapEntry b) => (a?.Wire.Groups ?? []).SequenceEqual(b.Wire.Groups ?? []);

    private static bool SameButPresence(MapEntry a, MapEntry b) =>
        a.Name == b.Name && a.Ip.Equals(b.Ip) && a.Ip6.Equals(b.Ip6) && a.Wire.Record.AsSpan().SequenceEqual(b.Wire.Record) &&
        a.Wire.Coordinator == b.Wire.Coordinator && a.Wire.AllowsExit == b.Wire.AllowsExit && a.Wire.ProgramVersion == b.Wire.ProgramVersion &&
        a.Wire.Aliases.SequenceEqual(b.Wire.Aliases) && a.Wire.Prefixes.SequenceEqual(b.Wire.Prefixes) &&
        a.Wire.Endpoints.SequenceEqual(b.Wire.Endpoints) && a.Wire.SshPort == b.Wire.SshPort && a.Wire.Transports.SequenceEqual(b.Wire.Transports) &&
        TransportOrders.Same(a.Wire.Preferences, b.Wire.Preferences);
}
