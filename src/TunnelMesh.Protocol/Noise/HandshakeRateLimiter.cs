using System.Net;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// Handshake messages per source under load: 20 a second, bursts of 5, as wireguard-go has it. A source is an IPv4
/// address, an IPv6 /64, or a device ID on relayed paths. Thread-safe. The table is bounded: when it is full of live
/// sources, a new one is refused.
/// </summary>
public sealed class HandshakeRateLimiter(TimeProvider time)
{
    /// <summary>Sources remembered at most.</summary>
    public const int MaxSources = 16 * 1024;

    private const int PerSecond = 20, Burst = 5;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Bucket> _buckets = [];
    private long _sweptAt = time.GetTimestamp();

    private long Cost => time.TimestampFrequency / PerSecond;

    /// <summary>The key of an address: IPv4 as it is, IPv6 by its /64.</summary>
    public static UInt128 KeyOf(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).TryWriteBytes(bytes, out int written);
        if (written == 16)
        {
            bytes[8..].Clear();
        }
        else
        {
            // No /64 key has a bit set in its low half, so the families cannot collide.
            bytes[..4].CopyTo(bytes[12..]);
            bytes[..4].Clear();
            bytes[11] = 4;
            bytes[4..11].Clear();
        }
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>True when this source may have one more message handled now.</summary>
    public bool TryTake(UInt128 source)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            Sweep(now);
            long full = Cost * Burst;
            if (!_buckets.TryGetValue(source, out Bucket bucket))
            {
                if (_buckets.Count >= MaxSources)
                {
                    return false;
                }
                bucket = new Bucket(now, full);
            }
            long tokens = Math.Min(full, bucket.Tokens + Math.Max(0, now - bucket.At));
            bool allowed = tokens >= Cost;
            _buckets[source] = new Bucket(now, allowed ? tokens - Cost : tokens);
            return allowed;
        }
    }

    private void Sweep(long now)
    {
        if (now - _sweptAt < time.TimestampFrequency)
        {
            return;
        }
        _sweptAt = now;
        foreach ((UInt128 source, Bucket bucket) in _buckets)
        {
            if (now - bucket.At > time.TimestampFrequency)
            {
                _buckets.Remove(source);
            }
        }
    }

    private readonly record struct Bucket(long At, long Tokens);
}
