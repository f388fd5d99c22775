using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Dns;

/// <summary>A resource record on the wire, without its name (RFC 1035 section 4.1.3). It points into the message.</summary>
public readonly ref struct DnsRecord
{
    /// <summary>Bytes between name and data.</summary>
    internal const int FixedSize = 10;

    /// <summary>Its type.</summary>
    public ushort Type { get; private init; }

    /// <summary>Its class; of EDNS the size of UDP answers.</summary>
    public ushort Class { get; private init; }

    /// <summary>Seconds it may be kept; of EDNS code, version and flags.</summary>
    public uint Ttl { get; private init; }

    /// <summary>Its data.</summary>
    public ReadOnlySpan<byte> Data { get; private init; }

    /// <summary>Reads a record, passing over its name.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where it begins; afterwards where it ends.</param>
    /// <param name="record">The record.</param>
    public static bool TrySkip(ReadOnlySpan<byte> message, scoped ref int offset, out DnsRecord record)
    {
        record = default;
        return DnsName.TrySkip(message, ref offset) && TryReadFixed(message, ref offset, out record);
    }

    /// <summary>Reads a record with its name.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where it begins; afterwards where it ends.</param>
    /// <param name="name">Room for the name, <see cref="DnsName.MaxBytes"/>.</param>
    /// <param name="length">Bytes of the name.</param>
    /// <param name="record">The record.</param>
    public static bool TryRead(ReadOnlySpan<byte> message, scoped ref int offset, scoped Span<byte> name, out int length, out DnsRecord record)
    {
        record = default;
        return DnsName.TryRead(message, ref offset, name, out length) && TryReadFixed(message, ref offset, out record);
    }

    private static bool TryReadFixed(ReadOnlySpan<byte> message, scoped ref int offset, out DnsRecord record)
    {
        record = default;
        if (message.Length - offset < FixedSize)
        {
            return false;
        }
        ReadOnlySpan<byte> head = message.Slice(offset, FixedSize);
        int length = BinaryPrimitives.ReadUInt16BigEndian(head[8..]);
        if (message.Length - offset - FixedSize < length)
        {
            return false;
        }
        record = new DnsRecord
        {
            Type = BinaryPrimitives.ReadUInt16BigEndian(head),
            Class = BinaryPrimitives.ReadUInt16BigEndian(head[2..]),
            Ttl = BinaryPrimitives.ReadUInt32BigEndian(head[4..]),
            Data = message.Slice(offset + FixedSize, length),
        };
        offset += FixedSize + length;
        return true;
    }
}
