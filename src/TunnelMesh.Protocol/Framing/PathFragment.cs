using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Framing;

/// <summary>
/// A part of an inner packet that is larger than the path carries and that its sender cannot make smaller: IPv6 up to 1280 bytes, and IPv4 that may be fragmented. It travels as the
/// plaintext of a transport data message between mesh devices, so that it works over any path, whether or not that passes IP fragments.
/// <code>
/// offset 0  1 byte   0x03
///        1  1 byte   zero; a receiver ignores it
///        2  2 bytes  number of the packet, big-endian
///        4  2 bytes  length of the packet
///        6  2 bytes  offset of this part in it
///        8  any      the part
/// </code>
/// </summary>
public static class PathFragment
{
    /// <summary>Bytes before the part.</summary>
    public const int HeaderSize = 8;

    private const byte FragmentType = 3;

    /// <summary>Writes a part.</summary>
    /// <param name="destination">At least <see cref="HeaderSize"/> bytes more than the part.</param>
    /// <param name="number">Number of the packet; the parts of one have the same.</param>
    /// <param name="packet">The whole packet, at most 65535 bytes.</param>
    /// <param name="offset">Where the part begins.</param>
    /// <param name="length">Bytes of the part.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, ushort number, ReadOnlySpan<byte> packet, int offset, int length)
    {
        packet.Slice(offset, length).CopyTo(destination[HeaderSize..]);
        (destination[0], destination[1]) = (FragmentType, 0);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], number);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], (ushort)offset);
        return HeaderSize + length;
    }

    /// <summary>Reads a part.</summary>
    /// <param name="message">The opened plaintext, any bytes.</param>
    /// <param name="number">Number of the packet.</param>
    /// <param name="total">Length of the packet in bytes.</param>
    /// <param name="offset">Where the part begins in it.</param>
    /// <param name="part">The part, at least 1 byte, within the packet.</param>
    /// <returns>False when it is no part, or does not fit its packet.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out ushort number, out int total, out int offset, out ReadOnlySpan<byte> part)
    {
        (number, total, offset) = (0, 0, 0);
        part = default;
        if (message.Length <= HeaderSize || message[0] != FragmentType)
        {
            return false;
        }

        number = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        total = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        offset = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        part = message[HeaderSize..];
        return offset + part.Length <= total;
    }
}
