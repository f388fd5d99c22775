using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Stun;

/// <summary>The 96 bits that bind a response to its request (RFC 8489 section 5); random, as they are all that proves an answer.</summary>
/// <param name="High">The first eight bytes, as a big-endian number.</param>
/// <param name="Low">The last four bytes, as a big-endian number.</param>
public readonly record struct StunTransactionId(ulong High, uint Low)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 12;

    /// <summary>Reads one.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static StunTransactionId Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt32BigEndian(source[8..]));

    /// <summary>Writes it.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Low);
    }
}
