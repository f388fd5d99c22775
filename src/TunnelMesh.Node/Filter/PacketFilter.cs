using System.Security.Cryptography;
using System.Text;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// The packet filter of one device: the rules of four layers, what they mean for each other device, and the flows that pass because this device began them. Changes are worked out on the thread that
/// brings them and swapped in; what the data plane reads is immutable or the lock-free table. Any thread; no timers of its own, see <see cref="Tend"/>.
/// </summary>
public sealed class PacketFilter
{
    private const int DnsPort = 53;
    /// <summary>How long followers of a first fragment may take (RFC 791: at least 15 s; Linux: 30 s).</summary>
    private static readonly TimeSpan Followers = TimeSpan.FromSeconds(30);

    /// <summary>How long after it begins to filter TCP connections are taken in that it has not seen begin.</summary>
    private static readonly TimeSpan PickUp = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _changing = new();
    private readonly TimeProvider _time, _lasting;
    private readonly IFilterGroups _groups;
    private readonly ActiveRule[][] _layers = [.. Enum.GetValues<FilterLayer>().Select(_ => Array.Empty<ActiveRule>())];
    private readonly Dictionary<string, FilterPeer> _peers = [];
    private readonly Dictionary<string, CompiledRules> _compiled = [];
    private ActiveRule[] _rules = [];
    private bool? _ownDefault, _meshDefault;
    private bool _deny = true;
    private volatile bool _open = true;
    private long _picksUpUntil = long.MinValue, _sweptAt;

    /// <summary>Makes a filter.</summary>
    /// <param name="time">Timestamps age flows and rules.</param>
    /// <param name="random">Fills a span with randomness; null for the system's.</param>
    /// <param name="groups">Knows groups; null for <c>everyone</c> alone.</param>
    /// <param name="lasting">Timestamps that go on while the machine sleeps, by which temporary rules end; null for those of <paramref name="time"/>.</param>
    public PacketFilter(TimeProvider time, Action<Span<byte>>? random = null, IFilterGroups? groups = null, TimeProvider? lasting = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        (_time, _lasting, _groups) = (time, lasting ?? time, groups ?? new MapGroups());
        Second = time.TimestampFrequency;
        Secret = FlowSecret.Draw(random ?? RandomNumberGenerator.Fill);
        Table = new ConnectionTable(Secret, Second);
        _sweptAt = time.GetTimestamp();
        Compile();
    }

    /// <summary>True when traffic that no rule is about is dropped: when the peer or the mesh says so, or neither says otherwise.</summary>
    public bool DefaultDeny
    {
        get
        {
            lock (_changing)
            {
                return _deny;
            }
        }
    }

    /// <summary>Flows in the table, and those that gave way there before their time since the start.</summary>
    public (int Kept, long PushedOut) Flows
    {
        get
        {
            lock (_changing)
            {
                return (_peers.Values.Sum(p => p.Connections), Table.PushedOut);
            }
        }
    }

    internal FlowSecret Secret { get; }

    internal ConnectionTable Table { get; }

    /// <summary>Timestamp units in a second.</summary>
    internal long Second { get; }

    internal long FragmentLifetime => (long)Followers.TotalSeconds * Second;

    /// <summary>True when everything passes, so that nothing need be remembered.</summary>
    internal bool IsOpen => _open;

    /// <summary>Timestamp until which connections are taken in that began before.</summary>
    internal long PicksUpUntil => Volatile.Read(ref _picksUpUntil);

    /// <summary>Takes what this peer's configuration says.</summary>
    /// <param name="defaultDeny">Of traffic that no rule is about; null when it says nothing.</param>
    /// <param name="rules">Its rules; those beyond <see cref="FilterRule.MaxRules"/> are not looked at.</param>
    public void SetOwn(bool? defaultDeny, IReadOnlyList<FilterRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        lock (_changing)
        {
            _ownDefault = defaultDeny;
            Keep(FilterLayer.Peer, rules);
            Compile();
        }
    }

    /// <summary>Takes what the coordinator says.</summary>
    /// <param name="defaultDeny">Of traffic that no rule is about; null when it says nothing.</param>
    /// <param name="rules">Its rules; those beyond <see cref="FilterRule.MaxRules"/> are not looked at.</param>
    /// <param name="servicePorts">TCP ports that are open on this device because it serves the mesh; empty for a device that does not.</param>
    /// <param name="answersNames">Whether port 53 is open, too: on an exit peer, which resolves names for its users.</param>
    public void SetMesh(bool? defaultDeny, IReadOnlyList<FilterRule> rules, IReadOnlyList<int> servicePorts, bool answersNames = false)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(servicePorts);
        List<FilterRule> services = [.. servicePorts.Where(p => p is > 0 and <= ushort.MaxValue).Select(p => Open(p, FilterProtocol.Tcp))];
        if (answersNames)
        {
            services.Add(Open(DnsPort, FilterProtocol.Udp));
            services.Add(Open(DnsPort, FilterProtocol.Tcp));
        }

        static FilterRule Open(int port, FilterProtocol protocol) => new(new PortRange((ushort)port, (ushort)port), protocol, FilterAction.Allow, FilterSource.Any);

        lock (_changing)
        {
            _meshDefault = defaultDeny;
            Keep(FilterLayer.Coordinator, rules);
            Keep(FilterLayer.Service, services);
            Compile();
        }
    }

    /// <summary>Adds a temporary rule; one about the same packets gives way to it.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="holds">How long it holds, time in which the machine sleeps counted; null until the peer ends.</param>
    /// <returns>False when there are <see cref="FilterRule.MaxRules"/> already.</returns>
    public bool TryAddTemporary(FilterRule rule, TimeSpan? holds)
    {
        ArgumentNullException.ThrowIfNull(rule);
        long ends = holds is { } time ? _lasting.GetTimestamp() + (long)(time.TotalSeconds * _lasting.TimestampFrequency) : long.MaxValue;
        lock (_changing)
        {
            ActiveRule[] others = [.. _layers[(int)FilterLayer.Temporary].Where(r => !r.Rule.IsAboutSame(rule))];
            if (others.Length >= FilterRule.MaxRules)
            {
                return false;
            }

            _layers[(int)FilterLayer.Temporary] = [.. others, new ActiveRule(rule, FilterLayer.Temporary, ends)];
            Compile();
            return true;
        }
    }

    /// <summary>Removes temporary rules about the same packets as one.</summary>
    /// <param name="like">The rule; its action counts only with <paramref name="sameAction"/>.</param>
    /// <param name="sameAction">Whether the action must be the same, too.</param>
    /// <returns>How many were removed.</returns>
    public int RemoveTemporary(FilterRule like, bool sameAction)
    {
        ArgumentNullException.ThrowIfNull(like);
        lock (_changing)
        {
            ActiveRule[] before = _layers[(int)FilterLayer.Temporary];
            ActiveRule[] kept = [.. before.Where(r => !r.Rule.IsAboutSame(like) || (sameAction && r.Rule.Action != like.Action))];
            if (kept.Length < before.Length)
            {
                _layers[(int)FilterLayer.Temporary] = kept;
                Compile();
            }

            return before.Length - kept.Length;
        }
    }

    /// <summary>Ends temporary rules whose time is over, and gives places of old flows free.</summary>
    /// <param name="now">Timestamp.</param>
    /// <returns>When to call it next, a timestamp; sooner when the machine has slept meanwhile.</returns>
    public long Tend(long now)
    {
        lock (_changing)
        {
            if (now - _sweptAt >= (long)SweepInterval.TotalSeconds * Second)
            {
                _sweptAt = now;
                Table.Sweep(now);
            }

            ActiveRule[] before = _layers[(int)FilterLayer.Temporary];
            long lasting = _lasting.GetTimestamp();
            ActiveRule[] kept = [.. before.Where(r => lasting < r.Ends)];
            if (kept.Length < before.Length)
            {
                _layers[(int)FilterLayer.Temporary] = kept;
                Compile();
            }

            long ends = kept.Length == 0 ? long.MaxValue : kept.Min(r => r.Ends);
            return Math.Min(_sweptAt + ((long)SweepInterval.TotalSeconds * Second), ends == long.MaxValue ? long.MaxValue : now + (long)Math.Ceiling(Seconds(lasting, ends) * Second));
        }
    }

    /// <summary>The members of groups have changed.</summary>
    public void NoteGroups()
    {
        lock (_changing)
        {
            // Devices come and go with their groups, and most filters have no rule about one.
            if (Array.Exists(_rules, r => r.Rule.Source.Kind == FilterSourceKind.Group))
            {
                Compile();
            }
        }
    }

    /// <summary>All rules, layer by layer.</summary>
    public IReadOnlyList<FilterRuleState> List()
    {
        lock (_changing)
        {
            long lasting = _lasting.GetTimestamp();
            return [.. _rules.Select(r => new FilterRuleState(r.Rule, r.Layer,
                r.Ends == long.MaxValue ? null : TimeSpan.FromSeconds(Math.Max(0, Seconds(lasting, r.Ends))), r.Hits, IsKnown(r.Rule.Source)))];
        }
    }

    /// <summary>What was dropped, of devices that the mesh has now; only where there was something.</summary>
    public IReadOnlyList<FilterDrops> Drops()
    {
        lock (_changing)
        {
            List<FilterDrops> drops = [];
            foreach (FilterPeer peer in _peers.Values.OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                for (int i = 0; i < FilterPeer.Protocols.Count; i++)
                {
                    if (peer.Dropped(i) is > 0 and var dropped)
                    {
                        drops.Add(new FilterDrops(FilterPeer.Protocols[i], peer.Name, dropped));
                    }
                }
            }

            return drops;
        }
    }

    /// <summary>A device is there, or has another name.</summary>
    /// <returns>What is kept for it, with its rules.</returns>
    internal FilterPeer Join(string deviceId, string name)
    {
        name = name.ToLowerInvariant();
        lock (_changing)
        {
            if (!_peers.TryGetValue(deviceId, out FilterPeer? peer))
            {
                _peers[deviceId] = peer = new FilterPeer(deviceId, name, RulesFor(deviceId, name));
            }
            else if (peer.Name != name)
            {
                peer.Name = name;
                peer.Rules = RulesFor(deviceId, name);
            }

            return peer;
        }
    }

    /// <summary>A device is gone.</summary>
    internal void Leave(string deviceId)
    {
        lock (_changing)
        {
            _peers.Remove(deviceId);
        }
    }

    private double Seconds(long from, long to) => (double)(to - from) / _lasting.TimestampFrequency;

    // Rules that stay keep their counts.
    private void Keep(FilterLayer layer, IReadOnlyList<FilterRule> rules)
    {
        ActiveRule[] before = _layers[(int)layer];
        _layers[(int)layer] = [.. rules.Distinct().Take(FilterRule.MaxRules).Select(r => Array.Find(before, b => b.Rule == r) ?? new ActiveRule(r, layer))];
    }

    private void Compile()
    {
        _rules = [.. _layers.SelectMany(l => l)];
        _deny = _ownDefault == true || _meshDefault == true || (_ownDefault ?? _meshDefault ?? true);
        _compiled.Clear();
        bool open = !_deny && _rules.Length == 0;
        if (_open && !open)
        {
            Volatile.Write(ref _picksUpUntil, _time.GetTimestamp() + ((long)PickUp.TotalSeconds * Second));
        }

        foreach (FilterPeer peer in _peers.Values)
        {
            peer.Rules = RulesFor(peer.DeviceId, peer.Name);
        }

        _open = open;
    }

    // Devices whom the same rules are about share them.
    private CompiledRules RulesFor(string deviceId, string name)
    {
        var applying = new List<ActiveRule>(_rules.Length);
        var special = new StringBuilder();
        for (int i = 0; i < _rules.Length; i++)
        {
            FilterSource source = _rules[i].Rule.Source;
            if (Applies(source, deviceId, name))
            {
                applying.Add(_rules[i]);
                if (source.Kind != FilterSourceKind.Any)
                {
                    special.Append(i).Append(',');
                }
            }
        }

        string key = special.ToString();
        if (!_compiled.TryGetValue(key, out CompiledRules? compiled))
        {
            _compiled[key] = compiled = new CompiledRules(applying, _deny);
        }

        return compiled;
    }

    private bool Applies(FilterSource source, string deviceId, string name) => source.Kind switch
    {
        FilterSourceKind.Peer => source.Name == name,
        FilterSourceKind.Group => _groups.IsMember(source.Name, deviceId),
        _ => true,
    };

    private bool IsKnown(FilterSource source) => source.Kind switch
    {
        FilterSourceKind.Peer => _peers.Values.Any(p => p.Name == source.Name),
        FilterSourceKind.Group => _groups.Exists(source.Name),
        _ => true,
    };
}
