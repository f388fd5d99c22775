using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// Remembers datagrams whose first fragment has passed, so that the others may follow: none before it, and none that reaches into it (RFC 1858, RFC 3128, RFC 5722). A fixed number;
/// whoever has most of those that could give way gives the oldest. One thread; allocates nothing after construction.
/// </summary>
/// <param name="secret">Decides where datagrams lie.</param>
/// <param name="lifetime">How long followers may take, in timestamp units.</param>
internal sealed class FirstFragments(FlowSecret secret, long lifetime)
{
    /// <summary>Datagrams remembered at most, and those of them among which chance puts one.</summary>
    public const int All = 256, Ways = 8;

    private readonly Datagram[] _datagrams = new Datagram[All];

    /// <summary>A first fragment that others will follow.</summary>
    /// <param name="owner">From whom.</param>
    /// <param name="packet">The fragment.</param>
    /// <param name="fragment">What it is.</param>
    /// <param name="admitted">Whether it passes by itself.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>Whether it passes: not when there was another first fragment of the datagram, which then is over.</returns>
    public bool TryBegin(FilterPeer owner, in IpPacket packet, in PacketClass fragment, bool admitted, long now)
    {
        FlowKey key = KeyOf(packet, fragment);
        Span<Datagram> places = PlacesOf(key);
        int chosen = 0;
        long best = long.MaxValue;
        for (int i = 0; i < places.Length; i++)
        {
            ref Datagram datagram = ref places[i];
            if (IsLive(datagram, now) && datagram.Is(key, owner) && !datagram.Complete)
            {
                datagram.Dead = true;
                return false;
            }

            long rank = Rank(places, datagram, key, owner, now);
            (chosen, best) = rank < best ? (i, rank) : (chosen, best);
        }

        if (admitted)
        {
            places[chosen] = new Datagram { Owner = owner, Key = key, Since = now, FirstEnd = fragment.FragmentEnd };
        }

        return admitted;
    }

    /// <summary>A fragment that is not the first.</summary>
    /// <returns>Whether it passes.</returns>
    public bool Follows(FilterPeer owner, in IpPacket packet, in PacketClass fragment, long now)
    {
        FlowKey key = KeyOf(packet, fragment);
        foreach (ref Datagram datagram in PlacesOf(key))
        {
            if (!IsLive(datagram, now) || !datagram.Is(key, owner))
            {
                continue;
            }

            datagram.Dead |= fragment.FragmentStart < datagram.FirstEnd;
            datagram.Complete |= fragment.IsLastFragment;
            return !datagram.Dead;
        }

        return false;
    }

    // RFC 791 counts the protocol to what names a datagram, RFC 8200 does not.
    private static FlowKey KeyOf(in IpPacket packet, in PacketClass fragment) =>
        new(FlowKey.Address(packet.Destination), FlowKey.Address(packet.Source), fragment.FragmentId, packet.Version == 4 ? packet.Protocol : (byte)0);

    private Span<Datagram> PlacesOf(in FlowKey key) => _datagrams.AsSpan((int)(key.Hash(secret) % (All / Ways)) * Ways, Ways);

    private bool IsLive(in Datagram datagram, long now) => datagram.Owner is not null && now - datagram.Since <= lifetime;

    // Its own former datagram, what is free, the oldest of whoever has most places.
    private long Rank(ReadOnlySpan<Datagram> places, in Datagram datagram, in FlowKey key, FilterPeer owner, long now)
    {
        if (datagram.Is(key, owner))
        {
            return long.MinValue;
        }

        if (!IsLive(datagram, now))
        {
            return long.MinValue + 1;
        }

        // Of equals it gives one itself.
        int held = ReferenceEquals(datagram.Owner, owner) ? 1 : 0;
        foreach (ref readonly Datagram other in places)
        {
            held += ReferenceEquals(other.Owner, datagram.Owner) ? 2 : 0;
        }

        // None is older than the lifetime.
        return (-2 * lifetime * held) - (now - datagram.Since);
    }

    private struct Datagram
    {
        public FilterPeer? Owner;
        public FlowKey Key;
        public long Since;
        public int FirstEnd;
        public bool Complete, Dead;

        public readonly bool Is(in FlowKey key, FilterPeer owner) => ReferenceEquals(Owner, owner) && Key == key;
    }
}
