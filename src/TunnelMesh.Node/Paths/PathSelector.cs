namespace TunnelMesh.Node.Paths;

/// <summary>
/// Chooses among the paths to a peer: first by the order of transports, then by what was measured, and never away from a path that is about as good
/// as the best. Pure.
/// </summary>
/// <param name="order">Transports that may be used, the preferred first.</param>
/// <param name="ticksPerSecond">Of the timestamps.</param>
internal sealed class PathSelector(IReadOnlyList<PathTransport> order, long ticksPerSecond)
{
    private const double MuchLoss = 0.2;

    /// <summary>Transports that may be used, the preferred first.</summary>
    public IReadOnlyList<PathTransport> Order => order;

    /// <summary>True when datagrams may go over it.</summary>
    public bool Allows(PathTransport transport) => PlaceOf(transport) < int.MaxValue;

    /// <summary>The place of a transport in the order, 0 for the preferred one; <see cref="int.MaxValue"/> for one that may not be used.</summary>
    public int PlaceOf(PathTransport transport)
    {
        for (int i = 0; i < order.Count; i++)
        {
            if (order[i] == transport)
            {
                return i;
            }
        }

        return int.MaxValue;
    }

    /// <summary>The path to use.</summary>
    /// <param name="paths">All paths.</param>
    /// <param name="current">The one in use; it stays unless another is really better. Null for none.</param>
    /// <param name="mayImprove">False while a path that is merely faster shall not be taken, because the last change was just now.</param>
    /// <returns>Null when there is none to use; a path that does not answer is kept for want of a better one.</returns>
    public PeerPath? Choose(ReadOnlySpan<PeerPath> paths, PeerPath? current, bool mayImprove)
    {
        PeerPath? best = current is not null && Rank(current) < int.MaxValue ? current : null;
        foreach (PeerPath path in paths)
        {
            if (!ReferenceEquals(path, best) && Rank(path) is var rank && rank < int.MaxValue && (best is null || rank < Rank(best) || (rank == Rank(best) && mayImprove && IsFaster(path, best))))
            {
                best = path;
            }
        }

        return best ?? current;
    }

    /// <summary>The best path beside the one in use: to be sent over as well while there is doubt.</summary>
    /// <param name="paths">All paths.</param>
    /// <param name="current">The one in use.</param>
    /// <param name="since">A path over UDP that was not heard since then may be as dead as the one in use, and comes after the others.</param>
    public PeerPath? Alternative(ReadOnlySpan<PeerPath> paths, PeerPath current, long since)
    {
        PeerPath? best = null;
        int bestRank = int.MaxValue;
        foreach (PeerPath path in paths)
        {
            int rank = ReferenceEquals(path, current) ? int.MaxValue : Rank(path);
            rank = rank < int.MaxValue && path.Address.Transport == PathTransport.Udp && path.HeardAt < since ? rank + 200 : rank;
            if (rank < bestRank || (rank < int.MaxValue && rank == bestRank && path.RoundTrip < best!.RoundTrip))
            {
                (best, bestRank) = (path, rank);
            }
        }

        return best;
    }

    /// <summary>The place of a path in the order, small is good; <see cref="int.MaxValue"/> for one that is not to be used.</summary>
    public int Rank(PeerPath path)
    {
        int place = PlaceOf(path.Address.Transport);
        if (place == int.MaxValue || !path.IsOpen)
        {
            return int.MaxValue;
        }

        return path.State switch
        {
            PathState.Proven => (place * 2) + (path.Loss > MuchLoss ? 1 : 0),

            // An open stream has a living end at least; better than nothing until its probe is back.
            PathState.Untried or PathState.Sizing when path.Address.Transport != PathTransport.Udp => 100 + place,
            _ => int.MaxValue,
        };
    }

    // A fifth and 3 ms better, whichever is more; IPv6 has a quarter and 5 ms in advance, since no NAT is in its way that could forget it.
    private bool IsFaster(PeerPath path, PeerPath than)
    {
        if (path.RoundTrip < 0 || than.RoundTrip < 0 || path.Mtu < than.Mtu)
        {
            return false;
        }

        long millisecond = ticksPerSecond / 1000;
        return Effective(path) < Effective(than) - Math.Max(than.RoundTrip / 5, 3 * millisecond);
        long Effective(PeerPath p) => p.RoundTrip - (p.Address.Transport == PathTransport.Udp && !p.Address.Endpoint.IsIPv4 ? Math.Max(p.RoundTrip / 4, 5 * millisecond) : 0);
    }
}
