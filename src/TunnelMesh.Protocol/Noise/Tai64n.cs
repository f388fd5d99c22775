using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// A TAI64N label, 12 bytes big endian: seconds since 1970 plus 2^62 + 10, then nanoseconds. Nanoseconds are rounded down
/// to 2^24 (about 17 ms), as wireguard-go does, so that a handshake tells an observer little about our clock.
/// </summary>
public readonly record struct Tai64n(ulong Seconds, uint Nanoseconds) : IComparable<Tai64n>
{
    /// <summary>Encoded length in bytes.</summary>
    public const int Size = 12;

    private const ulong Base = 0x400000000000000a;

    /// <summary>The label of a wall-clock time.</summary>
    public static Tai64n From(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }
        return new Tai64n(Base + (ulong)seconds, (uint)(rest * 100) & ~0xffffffu);
    }

    /// <summary>Reads 12 bytes.</summary>
    public static Tai64n Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));

    /// <summary>Writes 12 bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Nanoseconds);
    }

    /// <summary>The smallest label after this one that a rounded clock can give.</summary>
    public Tai64n Next() => Nanoseconds + 0x1000000u < 1_000_000_000u
        ? new Tai64n(Seconds, (Nanoseconds & ~0xffffffu) + 0x1000000u)
        : new Tai64n(Seconds + 1, 0);

    /// <inheritdoc/>
    public int CompareTo(Tai64n other) => Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>True when this label is later.</summary>
    public static bool operator >(Tai64n left, Tai64n right) => left.CompareTo(right) > 0;

    /// <summary>True when this label is earlier.</summary>
    public static bool operator <(Tai64n left, Tai64n right) => left.CompareTo(right) < 0;

    /// <summary>True when this label is later or the same.</summary>
    public static bool operator >=(Tai64n left, Tai64n right) => left.CompareTo(right) >= 0;

    /// <summary>True when this label is earlier or the same.</summary>
    public static bool operator <=(Tai64n left, Tai64n right) => left.CompareTo(right) <= 0;
}
