using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Coordinator.Stun;

/// <summary>
/// How often an address (IPv6: a /64) is answered. A request's source can be forged, so this is also how much a third party can be sent. Fixed memory, no
/// allocation: addresses share buckets by a keyed hash, so nobody can choose whom they share one with, and nothing is forgotten by being crowded out.
/// One thread at a time.
/// </summary>
/// <param name="key">Random.</param>
/// <param name="ticksPerSecond">Of the times given.</param>
internal sealed class StunRateLimiter(ulong key, long ticksPerSecond)
{
    /// <summary>Answers a second to one address, and at once after a pause: an office of 500 devices asks 20 times a second from one address.</summary>
    internal const int Rate = 50, Burst = 250;

    /// <summary>The same of all addresses together.</summary>
    internal const int RateInAll = 20_000, BurstInAll = 20_000;

    private const int BucketBits = 15;
    private readonly long[] _buckets = new long[1 << BucketBits];
    private long _all;

    /// <summary>Takes one answer's worth, or says no.</summary>
    /// <param name="source">To whom.</param>
    /// <param name="now">A time that never goes back, in ticks.</param>
    internal bool TryTake(in StunAddress source, long now)
    {
        ulong network = source.IsIPv4 ? source.Low : source.High;
        ulong low = Math.BigMul(network ^ key, 0x9e3779b97f4a7c15, out ulong product) ^ product;
        ref long bucket = ref _buckets[(int)(Math.BigMul(low ^ (key >> 32), 0xd6e8feb86659fd93, out product) ^ product) & (_buckets.Length - 1)];
        if (!Fits(bucket, now, Rate, Burst) || !Fits(_all, now, RateInAll, BurstInAll))
        {
            return false;
        }
        bucket = Math.Max(bucket, now) + ticksPerSecond / Rate;
        _all = Math.Max(_all, now) + ticksPerSecond / RateInAll;
        return true;
    }

    // A bucket holds the time at which it would be empty again (the generic cell rate algorithm).
    private bool Fits(long emptyAt, long now, int rate, int burst) => emptyAt - now <= ticksPerSecond / rate * (burst - 1L);
}
