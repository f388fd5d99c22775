namespace TunnelMesh.Node.Dns;

/// <summary>
/// How often a device of the mesh is answered. Fixed memory, no allocation: sources share buckets by a keyed hash, so nobody chooses whom they share one with.
/// Thread-safe: two threads at the same instant may let one query more pass.
/// </summary>
/// <param name="key">Random.</param>
/// <param name="ticksPerSecond">Of the times given.</param>
internal sealed class DnsRateLimiter(ulong key, long ticksPerSecond)
{
    /// <summary>Answers a second to one source, and at once after a pause.</summary>
    internal const int Rate = 1000, Burst = 2000;

    private readonly long[] _buckets = new long[1 << 12];

    /// <summary>Takes one answer's worth, or says no.</summary>
    /// <param name="source">To whom.</param>
    /// <param name="now">A time that never goes back, in ticks.</param>
    internal bool TryTake(in DnsSource source, long now)
    {
        // A device has one address of each family, and they differ in the low bits.
        ulong low = Math.BigMul((ulong)source.Number ^ key, 0x9e3779b97f4a7c15, out ulong product) ^ product;
        ref long bucket = ref _buckets[(int)low & (_buckets.Length - 1)];
        long step = ticksPerSecond / Rate, emptyAt = Volatile.Read(ref bucket);
        if (emptyAt - now > step * (Burst - 1L))
        {
            return false;
        }
        Volatile.Write(ref bucket, Math.Max(emptyAt, now) + step);
        return true;
    }
}
