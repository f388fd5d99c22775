using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Node.Nat;

/// <summary>
/// Asks STUN servers, from the tunnel's own port, how we look from outside (RFC 8489 binding). Quick at first; then, while it is <see cref="IsNeeded"/> and
/// there is a NAT whose mapping must be kept, every 25 s; silent else. A change of the network asks anew at once. Has no socket: it is given what the port receives. Thread-safe.
/// </summary>
public sealed class StunProbe : IDisposable
{
    /// <summary>Servers asked at most.</summary>
    public const int MaxServers = 8;

    /// <summary>How often a mapping is kept alive: NATs forget UDP after 30 s of silence at the soonest in practice.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(25);

    /// <summary>First and longest pause before a server that was silent is asked again.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5), LongestPause = TimeSpan.FromMinutes(5);

    // Quicker than RFC 8489 section 6.2.1 begins, because the first packet waits for it; the sum is 3.3 s.
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(500),
        TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(1000),
    ];

    private readonly StunProbeOptions _options;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private List<StunTransaction> _servers = [];
    private bool _needed;
    private bool _disposed;
    private bool _settled;
    private long _sent, _answered, _ignored;

    /// <summary>Makes one that does nothing until it is given servers.</summary>
    /// <param name="options">What it needs.</param>
    public StunProbe(StunProbeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _timer = options.Time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What is known of IPv4.</summary>
    public StunFindings V4 { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); } = StunFindings.None;

    /// <summary>What is known of IPv6.</summary>
    public StunFindings V6 { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); } = StunFindings.None;

    /// <summary>True when every server was asked, and none has answered since the start or the last change of the network: UDP does not get through.</summary>
    public bool IsBlocked
    {
        get
        {
            lock (_gate)
            {
                return _servers.Count > 0 && _servers.TrueForAll(s => s.IsSettled && s.Mapped.IsNone);
            }
        }
    }

    /// <summary>True when every server was asked and has answered, or was given up, since the start or the last change of the network.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
            {
                return _servers.TrueForAll(s => s.IsSettled);
            }
        }
    }

    /// <summary>What was done so far.</summary>
    public StunProbeCounters Counters => new(Interlocked.Read(ref _sent), Interlocked.Read(ref _answered), Interlocked.Read(ref _ignored));

    /// <summary>Whether mappings are to be kept alive: some path is wanted that others open towards us. While it is false, servers are asked at the start and after changes only.</summary>
    public bool IsNeeded
    {
        get
        {
            lock (_gate)
            {
                return _needed;
            }
        }

        set
        {
            lock (_gate)
            {
                if (_needed == value)
                {
                    return;
                }

                _needed = value;
                if (value && !_disposed)
                {
                    // The mapping may have ended meanwhile.
                    foreach (StunTransaction server in _servers.Where(s => s.Sent == 0))
                    {
                        server.Due = Now;
                    }

                    Step();
                }
            }
        }
    }

    private long Now => _options.Time.GetTimestamp();

    /// <summary>Says whom to ask; those that are new are asked at once.</summary>
    /// <param name="servers">Two addresses or more tell how the NAT maps; beyond <see cref="MaxServers"/> the rest is left out.</param>
    public void SetServers(IReadOnlyList<UdpEndpoint> servers)
    {
        ArgumentNullException.ThrowIfNull(servers);
        bool changed;
        lock (_gate)
        {
            long now = Now;
            _servers = [.. servers.Where(s => !s.IsNone).Distinct().Take(MaxServers).Select(s => _servers.Find(k => k.Server == s) ?? new StunTransaction(s) { Due = now })];
            Step();
            changed = Conclude();
        }

        Tell(changed);
    }

    /// <summary>The network has changed, or the machine has slept: what is known is doubted, and everybody is asked at once.</summary>
    public void NetworkChanged()
    {
        lock (_gate)
        {
            long now = Now;
            foreach (StunTransaction server in _servers)
            {
                (server.Sent, server.Due, server.Silences, server.IsSettled) = (0, now, 0, false);
            }

            _settled = false;
            Step();
        }
    }

    /// <summary>Takes a datagram that the port received. Cheap for what is not STUN. No allocation but for an answer.</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="source">Where it came from.</param>
    /// <returns>True when it was STUN, and so nobody else's.</returns>
    public bool Handle(ReadOnlySpan<byte> datagram, in UdpEndpoint source)
    {
        if (!StunMessage.IsStun(datagram))
        {
            return false;
        }

        if (!StunMessage.TryParse(datagram, out StunMessage message) || message.Method != StunMessage.Binding || message.Class is not (StunClass.Success or StunClass.Error))
        {
            Interlocked.Increment(ref _ignored);
            return true;
        }

        bool changed;
        lock (_gate)
        {
            StunTransaction? server = Find(message.TransactionId, source);
            if (_disposed || server is null || !Take(server, message))
            {
                Interlocked.Increment(ref _ignored);
                return true;
            }

            Step();
            changed = Conclude();
        }

        Tell(changed);
        return true;
    }

    /// <summary>Stops; nothing is sent or told afterwards.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    private StunTransaction? Find(StunTransactionId id, in UdpEndpoint source)
    {
        foreach (StunTransaction server in _servers)
        {
            if (server.Sent > 0 && server.Id == id && server.Server == source)
            {
                return server;
            }
        }

        return null;
    }

    private bool Take(StunTransaction server, in StunMessage message)
    {
        long now = Now;
        if (message.Class == StunClass.Error)
        {
            // It does not want to: as good as silence.
            GiveUp(server, now);
            return true;
        }

        // An address of the other family cannot be ours: the answer came over a socket address of this one.
        if (!message.TryReadMapped(out StunAddress mapped) || mapped.IsIPv4 != server.Server.IsIPv4 || !ExternalAddress.IsSound(mapped.ToIPEndPoint()))
        {
            return false;
        }

        Interlocked.Increment(ref _answered);
        server.RoundTrip = _options.Time.GetElapsedTime(server.First, now);
        UdpEndpoint seen = new(mapped.High, mapped.Low, mapped.Port, 0);
        if (!server.Mapped.IsNone && server.Mapped != seen)
        {
            // The NAT has made a new mapping: what the others said is old, and would look like a NAT that maps by address.
            foreach (StunTransaction other in _servers.Where(s => s != server && s.Sent == 0 && s.Server.IsIPv4 == server.Server.IsIPv4))
            {
                (other.Due, other.IsSettled) = (now, false);
            }
        }

        server.Mapped = seen;
        (server.Sent, server.Silences, server.IsSettled) = (0, 0, true);
        server.Due = now + Ticks(KeepAlive);
        return true;
    }

    private void GiveUp(StunTransaction server, long now)
    {
        (server.Sent, server.Mapped, server.IsSettled) = (0, default, true);
        TimeSpan pause = FirstPause * Math.Pow(2, Math.Min(server.Silences++, 10));
        server.Due = now + Ticks(pause < LongestPause ? pause : LongestPause);
    }

    private void OnTimer()
    {
        bool changed;
        lock (_gate)
        {
            Step();
            changed = Conclude();
        }

        Tell(changed);
    }

    // Sends what is due, gives up what is over, and sets the timer for the next.
    private void Step()
    {
        if (_disposed)
        {
            return;
        }

        long now = Now, next = long.MaxValue;
        foreach (StunTransaction server in _servers)
        {
            if (server.Due <= now && server.Sent == Pauses.Length)
            {
                GiveUp(server, now);
            }

            if (server.Due <= now && (server.Sent > 0 || IsWanted(server)))
            {
                Send(server, now);
            }

            if (server.Sent > 0 || IsWanted(server))
            {
                next = Math.Min(next, server.Due);
            }
        }

        TimeSpan wait = next == long.MaxValue ? Timeout.InfiniteTimeSpan : _options.Time.GetElapsedTime(now, next);
        // The timer counts whole milliseconds, and must not come too soon.
        _timer.Change(next == long.MaxValue ? wait : TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(wait.TotalMilliseconds))), Timeout.InfiniteTimeSpan);
    }

    // Asked once in any case; again while it is silent, or while its answer keeps a mapping that is needed.
    private bool IsWanted(StunTransaction server) =>
        !server.IsSettled || (_needed && (server.Mapped.IsNone || (server.Server.IsIPv4 ? V4 : V6).Behaviour != MappingBehaviour.None));

    private void Send(StunTransaction server, long now)
    {
        if (server.Sent == 0)
        {
            Span<byte> random = stackalloc byte[StunTransactionId.Size];
            _options.Random(random);
            (server.Id, server.First) = (StunTransactionId.Read(random), now);
        }

        Span<byte> request = stackalloc byte[StunBinding.RequestSize];
        int length = StunBinding.WriteRequest(request, server.Id);
        server.Due = now + Ticks(Pauses[server.Sent++]);
        Interlocked.Increment(ref _sent);
        _options.Send(request[..length], server.Server);
    }

    private bool Conclude()
    {
        StunFindings v4 = Find(ipv4: true), v6 = Find(ipv4: false);
        bool settled = _servers.Count > 0 && _servers.TrueForAll(s => s.IsSettled);
        bool changed = !v4.SaysAs(V4) || !v6.SaysAs(V6) || (settled && !_settled);
        (V4, V6, _settled) = (v4, v6, settled);
        return changed;
    }

    private StunFindings Find(bool ipv4) =>
        StunFindings.Of([.. _servers.Where(s => s.Server.IsIPv4 == ipv4).Select(s => new StunObservation(s.Server, s.Mapped, s.RoundTrip))], _options.LocalPort, _options.IsOwnAddress);

    private void Tell(bool changed)
    {
        if (changed)
        {
            _options.Changed?.Invoke();
        }
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _options.Time.TimestampFrequency);
}
