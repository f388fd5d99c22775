using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>
/// The network map in memory and its numbering. The number is the state's number plus the volatile changes (presence, endpoints)
/// this process has made; since both only grow, every change has a number of its own, and a durable change that went missing
/// shows as a gap. The volatile part dies with the process, so the epoch carries a part that is made at each start: after a
/// restart viewers are sent the whole map. Thread-safe; no call does I/O.
/// </summary>
internal sealed class LiveMap
{
    /// <summary>Removed devices remembered, so that a registration whose answer comes late does not bring one back.</summary>
    private const int MaxGone = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Member> _members = [];
    private readonly Dictionary<string, Change> _pending = [];
    private readonly Dictionary<string, long> _gone = [];
    private readonly Queue<string> _goneOrder = new();
    private readonly MeshInfo _mesh;
    private IReadOnlyList<MapCoordinator> _coordinators = [];
    private bool _coordinatorsChanged, _filterChanged, _namesChanged;
    private MapFilter? _filter;
    private MeshGroups _groups;
    private long _number, _taken;

    /// <summary>Starts from what is stored; nobody is online yet.</summary>
    /// <param name="epoch">The state's epoch and this process's part.</param>
    /// <param name="number">The state's number, read before the devices.</param>
    /// <param name="mesh">Sent with every full map.</param>
    /// <param name="devices">All members.</param>
    /// <param name="orders">All orders of transports, or null for none.</param>
    /// <param name="filter">What is said to the packet filter of every peer, or null for nothing.</param>
    /// <param name="groups">All groups of users, or null for none.</param>
    /// <param name="admins">Who administers the mesh beside the coordinator's own user, or null for nobody.</param>
    internal LiveMap(string epoch, long number, MeshInfo mesh, IReadOnlyList<DeviceRow> devices, IEnumerable<TransportOrderRow>? orders = null, MapFilter? filter = null, IReadOnlyList<GroupRow>? groups = null, IReadOnlyList<AdminRow>? admins = null)
    {
        _groups = MeshGroups.Of(groups ?? [], devices, admins ?? [], number);
        _filter = filter;
        Epoch = epoch;
        First = _number = _taken = number;
        _mesh = mesh;
        foreach (DeviceRow row in devices)
        {
            _members.Add(row.Id, new Member(Entry(row, null), number));
        }
        foreach (IGrouping<string, TransportOrderRow> own in (orders ?? []).GroupBy(o => o.DeviceId))
        {
            if (_members.TryGetValue(own.Key, out Member? member))
            {
                member.Wire = member.Wire with { Preferences = ToPreferences(own) };
            }
        }
    }

    [Flags]
    private enum Change
    {
        Presence = 1,
        Reachability = 2,
        Whole = 4,
        Preferences = 8,
        Groups = 16,
    }

    /// <summary>After each change, on the changing thread, outside the lock; must not block.</summary>
    internal event Action? Changed;

    internal string Epoch { get; }

    internal MeshInfo Mesh => _mesh;

    /// <summary>The number it started with; nothing before it is known.</summary>
    internal long First { get; }

    /// <summary>Number of the newest change.</summary>
    internal long Number
    {
        get
        {
            lock (_lock)
            {
                return _number;
            }
        }
    }

    /// <summary>Member devices.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _members.Count;
            }
        }
    }

    internal MapDevice? Find(string id)
    {
        lock (_lock)
        {
            return _members.TryGetValue(id, out Member? member) ? member.Wire : null;
        }
    }

    /// <summary>Takes over a registration; answers of concurrent ones may come in any order.</summary>
    internal void Apply(RegistrationResult result)
    {
        if (!result.Changed)
        {
            return;
        }
        lock (_lock)
        {
            _number++;
            if (result.Admins is { } admins)
            {
                TakeAdmins(admins, result.MapNumber);
            }
            string id = result.Device.Id;
            bool known = _members.TryGetValue(id, out Member? member);
            bool late = known ? member!.Durable > result.MapNumber : _gone.GetValueOrDefault(id) > result.MapNumber;
            if (!late)
            {
                MapDevice? before = member?.Wire;
                if (known && result.Created)
                {
                    // It went and came back, and the removal has not been told yet: what was kept for it is gone all the same.
                    before = before! with { Preferences = Since(before.Preferences, result.MapNumber) };
                    ForgetPairs(id, result.MapNumber);
                }
                _members[id] = new Member(Entry(result.Device, before), result.MapNumber)
                {
                    Joined = result.Created ? result.MapNumber : member?.Joined ?? 0,
                    Ordered = member?.Ordered ?? 0,
                };
                _pending[id] = Change.Whole;
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Takes out what left or was revoked.</summary>
    internal void Apply(RemovalResult result)
    {
        if (result.DeviceIds.Count == 0)
        {
            return;
        }
        lock (_lock)
        {
            _number++;
            foreach (string id in result.DeviceIds)
            {
                if (_members.TryGetValue(id, out Member? member) && member.Durable > result.MapNumber)
                {
                    continue;
                }
                _members.Remove(id);
                _pending[id] = Change.Whole;
                ForgetPairs(id, result.MapNumber);
                if (_gone.TryAdd(id, result.MapNumber))
                {
                    _goneOrder.Enqueue(id);
                }
                else
                {
                    _gone[id] = result.MapNumber;
                }
                if (_goneOrder.Count > MaxGone)
                {
                    _gone.Remove(_goneOrder.Dequeue());
                }
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Takes over the orders of transports of a device; answers of concurrent changes may come in any order, and each has all of them.</summary>
    internal void Apply(TransportOrderResult result)
    {
        if (result.Outcome != TransportOrderOutcome.Changed)
        {
            return;
        }
        lock (_lock)
        {
            _number++;
            if (_members.TryGetValue(result.DeviceId, out Member? member) && member.Ordered < result.MapNumber && member.Joined < result.MapNumber)
            {
                member.Ordered = result.MapNumber;
                // One of a pair may have left meanwhile, or have left and come back.
                member.Wire = member.Wire with
                {
                    Preferences = ToPreferences(result.Orders.Where(o => o.OtherId is null || (_members.TryGetValue(o.OtherId, out Member? other) && other.Joined < o.Number))),
                };
                _pending[result.DeviceId] = _pending.GetValueOrDefault(result.DeviceId) | Change.Preferences;
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Takes over the groups of users; answers of concurrent changes may come in any order, and each has all of them.</summary>
    internal void Apply(GroupResult result)
    {
        if (result.Outcome != GroupOutcome.Changed)
        {
            return;
        }
        lock (_lock)
        {
            _number++;
            if (result.MapNumber > _groups.Number)
            {
                Regroup(_groups.With(result.Groups, result.MapNumber));
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Takes over who administers the mesh; as with groups.</summary>
    internal void Apply(AdminResult result)
    {
        if (!result.Changed)
        {
            return;
        }
        lock (_lock)
        {
            _number++;
            TakeAdmins(result.Admins, result.MapNumber);
        }
        Changed?.Invoke();
    }

    /// <summary>A device came, went, or may be reached elsewhere. False when it is no member.</summary>
    /// <param name="id">Device ID.</param>
    /// <param name="online">True while its stream lives.</param>
    /// <param name="lastSeen">Unix seconds.</param>
    /// <param name="reach">Where it may be reached, or null to leave that as it is.</param>
    internal bool SetPresence(string id, bool online, long lastSeen, Reachability? reach)
    {
        lock (_lock)
        {
            if (!_members.TryGetValue(id, out Member? member))
            {
                return false;
            }
            MapDevice wire = member.Wire;
            bool moved = reach is not null && !reach.IsOf(wire);
            if (wire.Online == online && !moved)
            {
                return true;
            }
            wire = wire with { Online = online, LastSeen = Math.Max(wire.LastSeen, lastSeen) };
            if (moved)
            {
                wire = wire with
                {
                    Endpoints = reach!.Endpoints,
                    SshPort = reach.SshPort,
                    Transports = reach.Transports ?? wire.Transports,
                    AllowsExit = reach.AllowsExit ?? wire.AllowsExit,
                    ProgramVersion = reach.ProgramVersion ?? wire.ProgramVersion,
                };
            }
            member.Wire = wire;
            _number++;
            _pending[id] = _pending.GetValueOrDefault(id) | Change.Presence | (moved ? Change.Reachability : 0);
        }
        Changed?.Invoke();
        return true;
    }

    /// <summary>Replaces the list of coordinators.</summary>
    internal void SetCoordinators(IReadOnlyList<MapCoordinator> coordinators)
    {
        lock (_lock)
        {
            _coordinators = coordinators;
            _coordinatorsChanged = true;
            _number++;
        }
        Changed?.Invoke();
    }

    /// <summary>Replaces what is said to the packet filter of every peer.</summary>
    internal void SetFilter(MapFilter filter)
    {
        lock (_lock)
        {
            _filter = filter;
            _filterChanged = true;
            _number++;
        }
        Changed?.Invoke();
    }

    /// <summary>All changes since the last call as one delta, or null when there are none. One caller.</summary>
    internal MapDelta? TakeDelta()
    {
        lock (_lock)
        {
            if (_number == _taken)
            {
                return null;
            }
            List<MapDevice> upserted = [];
            List<string> removed = [];
            List<PresenceChange> presence = [];
            foreach ((string id, Change change) in _pending)
            {
                if (!_members.TryGetValue(id, out Member? member))
                {
                    removed.Add(id);
                }
                else if ((change & Change.Whole) != 0)
                {
                    upserted.Add(member.Wire);
                }
                else
                {
                    presence.Add(ToChange(member.Wire, change));
                }
            }
            MapDelta delta = new()
            {
                Epoch = Epoch,
                From = _taken,
                Number = _number,
                Upserted = upserted,
                Removed = removed,
                Presence = presence,
                Coordinators = _coordinatorsChanged ? _coordinators : null,
                Filter = _filterChanged ? _filter : null,
                Groups = _namesChanged ? _groups.Names : null,
            };
            _pending.Clear();
            (_coordinatorsChanged, _filterChanged, _namesChanged) = (false, false, false);
            _taken = _number;
            return delta;
        }
    }

    /// <summary>The whole map as it is now.</summary>
    internal MapFull Snapshot()
    {
        lock (_lock)
        {
            return new MapFull
            {
                Epoch = Epoch,
                Number = _number,
                Mesh = _mesh,
                Devices = [.. _members.Values.Select(m => m.Wire)],
                Coordinators = _coordinators,
                Filter = _filter,
                Groups = _groups.Names,
            };
        }
    }

    /// <summary>The entry of a row: what is stored, and what is known of its reachability.</summary>
    internal static MapDevice ToWire(DeviceRow row, MapDevice? before) => new()
    {
        Id = row.Id,
        User = row.UserId,
        Name = row.Name,
        Aliases = row.Aliases,
        Ip = row.Ip.ToString(),
        Ip6 = row.Ip6.ToString(),
        Prefixes = [$"{row.Ip}/32", $"{row.Ip6}/128"],
        DeviceKey = row.DeviceKey,
        IdentityKey = row.IdentityKey,
        Record = row.Record,
        Endpoints = before?.Endpoints ?? [],
        SshPort = before?.SshPort ?? 0,
        Transports = before?.Transports ?? [],
        Preferences = before?.Preferences,
        Online = before?.Online ?? false,
        LastSeen = Math.Max(row.LastSeen, before?.LastSeen ?? 0),
        Coordinator = row.Coordinator,
        AllowsExit = before?.AllowsExit ?? false,
        ProgramVersion = row.ProgramVersion,
    };

    private void TakeAdmins(IReadOnlyList<AdminRow> admins, long number)
    {
        if (number > _groups.AdminNumber)
        {
            Regroup(_groups.With(admins, number));
        }
    }

    private void Regroup(MeshGroups now)
    {
        _namesChanged |= !_groups.Names.SequenceEqual(now.Names);
        _groups = now;
        foreach ((string id, Member member) in _members)
        {
            string[]? groups = now.OfUser(member.Wire.IdentityKey);
            if (!(member.Wire.Groups ?? []).SequenceEqual(groups ?? []))
            {
                member.Wire = member.Wire with { Groups = groups };
                _pending[id] = _pending.GetValueOrDefault(id) | Change.Groups;
            }
        }
    }

    private MapDevice Entry(DeviceRow row, MapDevice? before) => ToWire(row, before) with { Groups = _groups.OfUser(row.IdentityKey) };

    private static PresenceChange ToChange(MapDevice wire, Change change)
    {
        bool moved = (change & Change.Reachability) != 0;
        return new PresenceChange
        {
            Id = wire.Id,
            Online = wire.Online,
            LastSeen = wire.LastSeen,
            Endpoints = moved ? wire.Endpoints : null,
            SshPort = moved ? wire.SshPort : null,
            Transports = moved ? wire.Transports : null,
            Preferences = (change & Change.Preferences) != 0 ? wire.Preferences ?? [] : null,
            Groups = (change & Change.Groups) != 0 ? wire.Groups ?? [] : null,
            AllowsExit = moved ? wire.AllowsExit : null,
            ProgramVersion = moved ? wire.ProgramVersion : null,
        };
    }

    private static TransportPreference[]? ToPreferences(IEnumerable<TransportOrderRow> orders)
    {
        TransportPreference[] preferences = [.. orders.Select(o => new TransportPreference { With = o.OtherId, Transports = o.Transports, Number = o.Number })];
        return preferences.Length > 0 ? preferences : null;
    }

    private static TransportPreference[]? Since(IReadOnlyList<TransportPreference>? preferences, long number) =>
        preferences?.Where(p => p.Number > number).ToArray() is { Length: > 0 } left ? left : null;

    // The orders of pairs go with either device; those of one that came back since stay.
    private void ForgetPairs(string gone, long number)
    {
        foreach ((string id, Member member) in _members)
        {
            if (member.Wire.Preferences is { } before && before.Any(p => p.With == gone && p.Number < number))
            {
                TransportPreference[] left = [.. before.Where(p => p.With != gone || p.Number >= number)];
                member.Wire = member.Wire with { Preferences = left.Length > 0 ? left : null };
                _pending[id] = _pending.GetValueOrDefault(id) | Change.Preferences;
            }
        }
    }

    private sealed class Member(MapDevice wire, long durable)
    {
        internal MapDevice Wire { get; set; } = wire;

        /// <summary>The state's number of its last stored change.</summary>
        internal long Durable { get; } = durable;

        /// <summary>The state's number at which it became a member; 0 where that is not known, as of one that was loaded.</summary>
        internal long Joined { get; init; }

        /// <summary>The state's number of the orders of transports it holds.</summary>
        internal long Ordered { get; set; }
    }
}
