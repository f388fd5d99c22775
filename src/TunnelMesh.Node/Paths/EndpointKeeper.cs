using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Paths;

/// <summary>
/// Keeps the one endpoint that datagrams to a peer go to, and decides when it moves. Only fresh authenticated packets are
/// reported here, so nobody else can move it.
/// <para>With a stock WireGuard peer every such packet moves it (paper, section 2.1). With a mesh peer a packet from elsewhere
/// makes a challenger: both addresses are probed, the challenger is taken as soon as its own echo has come back, and given up
/// again if the incumbent answers too. So a dead address is left after one round trip, and two peers that send over
/// different live addresses do not chase each other.</para>
/// Used by the engine's thread; <see cref="Current"/> may be read by any.
/// </summary>
internal sealed class EndpointKeeper(TimeProvider time)
{
    /// <summary>How long both addresses may take to answer.</summary>
    public static readonly TimeSpan ContestLimit = TimeSpan.FromSeconds(1);

    /// <summary>How long a challenger that lost to a live incumbent is not tried again.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    /// <summary>The rest is over as soon as the incumbent, too, has been silent for this long.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private volatile Box? _current;
    private UdpEndpoint _challenger, _incumbent, _rested;
    private ulong _challengerProbe, _incumbentProbe;
    private long _contestUntil, _restUntil, _incumbentHeardAt;
    private bool _contest;

    /// <summary>Where datagrams go; the empty value when nothing is known.</summary>
    public UdpEndpoint Current => _current?.Endpoint ?? default;

    /// <summary>The peer proved both ways of this address: a handshake was completed over it.</summary>
    public void Settle(in UdpEndpoint endpoint)
    {
        Move(endpoint);
        _contest = false;
        _restUntil = long.MinValue;
    }

    /// <summary>A fresh authenticated packet came in.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="stock">True for a plain WireGuard peer.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>True when both addresses shall be probed now, by <see cref="BeginContest"/>.</returns>
    public bool NoteAuthenticated(in UdpEndpoint source, bool stock, long now)
    {
        Box? current = _current;
        if (current is not null && current.Endpoint == source)
        {
            // No proof that the incumbent lives: it may have been on its way since before the peer moved. Only an echo is one.
            _incumbentHeardAt = now;
            return false;
        }

        if (stock || current is null)
        {
            Move(source);
            return false;
        }

        if (_contest && now < _contestUntil)
        {
            return false;
        }

        return source != _rested || now >= _restUntil || now - _incumbentHeardAt >= Ticks(Silence);
    }

    /// <summary>Notes the probes that decide between a challenger and the incumbent.</summary>
    public void BeginContest(in UdpEndpoint challenger, ulong challengerProbe, ulong incumbentProbe, long now)
    {
        _contest = true;
        _challenger = challenger;
        _incumbent = Current;
        _challengerProbe = challengerProbe;
        _incumbentProbe = incumbentProbe;
        _contestUntil = now + Ticks(ContestLimit);
    }

    /// <summary>An echo came back; it counts only from the address that its probe went to.</summary>
    public void NoteEcho(ulong probe, in UdpEndpoint source, long now)
    {
        if (!_contest || now >= _contestUntil)
        {
            return;
        }

        if (probe == _challengerProbe && source == _challenger)
        {
            // Taken at once; the incumbent still has the rest of the contest to show that it lives.
            Move(_challenger);
        }
        else if (probe == _incumbentProbe && source == _incumbent)
        {
            Move(_incumbent);
            _incumbentHeardAt = now;
            GiveUpChallenger(now);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private void GiveUpChallenger(long now)
    {
        _contest = false;
        _rested = _challenger;
        _restUntil = now + Ticks(Rest);
    }

    private void Move(in UdpEndpoint endpoint)
    {
        if (_current is null || _current.Endpoint != endpoint)
        {
            _current = new Box(endpoint);
        }
    }

    // A reference, so that another thread never reads half of an address.
    private sealed record Box(UdpEndpoint Endpoint);
}
