using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Initiations of devices that the map does not have yet: each waits a moment for its device's entry. Who sends them is a stranger until then, so the places are few, one source (IPv4: an
/// address, IPv6: a /64, over a stream: a device) has a share of them, and nothing renews one: the same initiation, again over the same way, is held already, also when the map has changed without
/// its device. Allocates nothing once made. One thread.
/// </summary>
/// <param name="time">Clock.</param>
internal sealed class HeldInitiations(TimeProvider time)
{
    /// <summary>How long one waits, counted from when it came first.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>How many wait at most; each took the work of a handshake already, and takes it again when the map changes.</summary>
    public const int Places = 32;

    /// <summary>How many of one source. One that comes while these wait is dropped: a device that is let in repeats its initiation a few times a second.</summary>
    public const int PlacesPerSource = 4;

    private readonly Place[] _places = [.. Enumerable.Range(0, Places).Select(_ => new Place())];

    /// <summary>Keeps an initiation. The oldest makes room where all places are taken.</summary>
    /// <param name="initiation">148 bytes; copied.</param>
    /// <param name="source">Where from.</param>
    /// <param name="since">When it came first: a timestamp, now but for one that was taken and is put back.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>How many were lost for it: this one when its source has its share, or the oldest.</returns>
    public int Hold(ReadOnlySpan<byte> initiation, in PathAddress source, long since, long now)
    {
        Place? free = null, oldest = null;
        int own = 0;
        foreach (Place place in _places)
        {
            if (!Waits(place, now))
            {
                free ??= place;
                continue;
            }

            if (place.Source == source && initiation.SequenceEqual(place.Bytes))
            {
                return 0;
            }

            own += IsSameSource(place.Source, source) ? 1 : 0;
            oldest = oldest is null || place.Since < oldest.Since ? place : oldest;
        }

        if (own >= PlacesPerSource)
        {
            return 1;
        }

        Place taken = free ?? oldest!;
        initiation.CopyTo(taken.Bytes);
        (taken.IsTaken, taken.Source, taken.Since) = (true, source, since);
        return free is null ? 1 : 0;
    }

    /// <summary>Takes what waits at a place. To be put back by <see cref="Hold"/>, before another is taken, if its device is still unknown: that finds this place again, or an earlier one.</summary>
    /// <param name="index">0 to <see cref="Places"/> - 1.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="initiation">What waited; good until the next call of <see cref="Hold"/>.</param>
    /// <param name="source">Where it came from.</param>
    /// <param name="since">When it came first.</param>
    /// <returns>False when nothing waits there.</returns>
    public bool TryTake(int index, long now, out ReadOnlySpan<byte> initiation, out PathAddress source, out long since)
    {
        Place place = _places[index];
        bool waits = Waits(place, now);
        place.IsTaken = false;
        initiation = place.Bytes;
        (source, since) = (place.Source, place.Since);
        return waits;
    }

    private static bool IsSameSource(in PathAddress a, in PathAddress b) =>
        a.Transport == b.Transport && a.Device == b.Device && a.Endpoint.High == b.Endpoint.High && a.Endpoint.IsIPv4 == b.Endpoint.IsIPv4 && (!a.Endpoint.IsIPv4 || a.Endpoint.IPv4 == b.Endpoint.IPv4);

    private bool Waits(Place place, long now) => place.IsTaken && time.GetElapsedTime(place.Since, now) < Limit;

    private sealed class Place
    {
        public byte[] Bytes { get; } = new byte[WireGuardMessage.InitiationSize];

        public PathAddress Source { get; set; }

        public long Since { get; set; }

        public bool IsTaken { get; set; }
    }
}
