namespace TunnelMesh.Node.Paths;

/// <summary>One way to a peer, and what probes have told about it. Owned by the thread of the peer's lane; single values may be read by any, as they are now.</summary>
/// <param name="address">Where it leads.</param>
internal sealed class PeerPath(PathAddress address)
{
    /// <summary>A timestamp before every other that can be subtracted from any.</summary>
    public const long Never = long.MinValue / 2;

    // Probes of which an answer is still worth something.
    private const int OpenProbes = 32;

    // More than that in a row are an outage, which is over once an answer comes: it tells nothing of what is lost on the way now.
    private const int LossRun = 3;

    // Made with the first probe: most addresses of most peers are never probed.
    private (ulong Challenge, long At, int Size, bool Counts)[]? _open;
    private int _next;

    public PathAddress Address => address;

    /// <summary>True while the map, the coordinator or the carrier offers it; others were learnt from the peer's datagrams.</summary>
    public bool IsOffered { get; set; }

    /// <summary>When it was last offered or learnt.</summary>
    public long OfferedAt { get; set; }

    /// <summary>Of a path over a carrier: whether the carrier has a way now.</summary>
    public bool IsOpen { get; set; } = address.Transport == PathTransport.Udp;

    /// <summary>True once the peer has proved that it is there: by an echo, or by a handshake. Any datagram's source may be written by whoever sent it.</summary>
    public bool IsShown { get; set; }

    /// <summary>What probes have told. Probes that are open when it becomes proven, or is that no longer, belong to a time when the path was down or untried: they are no loss.</summary>
    public PathState State
    {
        get;
        set
        {
            if (field != value && (field == PathState.Proven || value == PathState.Proven))
            {
                ForgetLost(long.MaxValue);
            }

            field = value;
        }
    }

    /// <summary>Inner bytes of the largest probe that came back since it was last sized; 0 for none.</summary>
    public int Mtu { get; set; }

    /// <summary>Timestamp of the last authenticated datagram over it.</summary>
    public long HeardAt { get; set; } = Never;

    /// <summary>Timestamp of the last probe that came back.</summary>
    public long EchoAt { get; private set; } = Never;

    /// <summary>When it was proven last.</summary>
    public long ProvenAt { get; set; } = Never;

    /// <summary>When to probe it next; <see cref="long.MaxValue"/> for not by itself.</summary>
    public long NextProbeAt { get; set; } = long.MaxValue;

    /// <summary>How far the burst or the sizing has come.</summary>
    public int Step { get; set; }

    /// <summary>Smoothed round trip in timestamp units (RFC 6298, section 2); negative before the first.</summary>
    public long RoundTrip { get; private set; } = -1;

    /// <summary>Share of small probes lost lately, 0 to 1: a running average over about 16, of those that were sent while the path was proven. One counts as lost when a later one was answered.</summary>
    public double Loss { get; private set; }

    /// <summary>Probes sent, and come back, since the path was made or last reset.</summary>
    public long Probes { get; private set; }

    /// <inheritdoc cref="Probes"/>
    public long Echoes { get; private set; }

    /// <summary>Notes a probe that was sent.</summary>
    public void NoteProbe(ulong challenge, int size, long now)
    {
        _open ??= new (ulong, long, int, bool)[OpenProbes];
        _open[_next] = (challenge, now, size, size <= SmallProbe && State == PathState.Proven);
        _next = (_next + 1) % OpenProbes;
        Probes++;
    }

    /// <summary>Probes up to this size count for the loss.</summary>
    public const int SmallProbe = 64;

    /// <summary>Takes an echo.</summary>
    /// <param name="challenge">What came back.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>False when it answers no probe of this path and size.</returns>
    public bool TryTakeEcho(ulong challenge, int size, long now)
    {
        for (int i = 0; i < _open?.Length; i++)
        {
            if (_open[i].Size == size && _open[i].Challenge == challenge)
            {
                long took = now - _open[i].At;
                RoundTrip = RoundTrip < 0 ? took : RoundTrip + ((took - RoundTrip) / 8);
                if (size <= SmallProbe)
                {
                    int lost = ForgetLost(_open[i].At);
                    for (int left = lost <= LossRun ? lost : 0; left > 0; left--)
                    {
                        Loss += (1 - Loss) / 16;
                    }

                    Loss -= Loss / 16;
                }

                _open[i] = default;
                Echoes++;
                EchoAt = HeardAt = now;
                IsShown = true;
                return true;
            }
        }

        return false;
    }

    // How many that count were sent before a time; none of them does from then on, though each may still be answered.
    private int ForgetLost(long before)
    {
        int count = 0;
        for (int i = 0; i < _open?.Length; i++)
        {
            if (_open[i].Counts && _open[i].At < before)
            {
                _open[i].Counts = false;
                count++;
            }
        }

        return count;
    }

    /// <summary>Forgets open probes and what was measured, as for another network.</summary>
    public void Reset()
    {
        _open = null;
        (State, Mtu, Step, Loss, RoundTrip, NextProbeAt) = (PathState.Untried, 0, 0, 0, -1, long.MaxValue);
        (HeardAt, EchoAt, ProvenAt) = (Never, Never, Never);
        (Probes, Echoes) = (0, 0);
    }
}
