using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Dns;

/// <summary>A query, parsed: one question, and what EDNS says (RFC 1035 section 4, RFC 6891, RFC 7873). It points into the datagram; nothing allocates.</summary>
public readonly ref struct DnsQuery
{
    /// <summary>Bytes of a message's header.</summary>
    public const int HeaderSize = 12;

    /// <summary>Flags of the header: answer, authoritative, truncated, recursion desired and available, checking disabled.</summary>
    public const ushort Response = 0x8000, Authoritative = 0x0400, Truncated = 0x0200, RecursionDesired = 0x0100, RecursionAvailable = 0x0080, CheckingDisabled = 0x0010;

    /// <summary>Records beside the question that a query may carry. Nobody sends more than two: EDNS and a signature.</summary>
    public const int MaxRecords = 8;

    /// <summary>Number of the cookie option (RFC 7873).</summary>
    public const ushort CookieOption = 10;

    private const ushort OpcodeMask = 0x7800;

    /// <summary>Number by which the asker knows its query again.</summary>
    public ushort Id { get; private init; }

    /// <summary>Flags as sent.</summary>
    public ushort Flags { get; private init; }

    /// <summary>The question as sent: name, type, class. Empty when there is none, or none that can be read.</summary>
    public ReadOnlySpan<byte> Question { get; private init; }

    /// <summary>The name asked for, in canonical form; its offsets are those of <see cref="Question"/>, since a question is never compressed.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>The type asked for.</summary>
    public ushort Type { get; private init; }

    /// <summary>The class asked for.</summary>
    public ushort Class { get; private init; }

    /// <summary>True when the asker speaks EDNS.</summary>
    public bool HasEdns { get; private init; }

    /// <summary>Version of EDNS.</summary>
    public byte EdnsVersion { get; private init; }

    /// <summary>Bytes of UDP answer the asker takes, at least 512.</summary>
    public int UdpSize { get; private init; }

    /// <summary>True when the asker wants signatures, too; it is said back.</summary>
    public bool DnssecOk { get; private init; }

    /// <summary>The cookie option, 8 or 16 to 40 bytes; empty when there is none.</summary>
    public ReadOnlySpan<byte> Cookie { get; private init; }

    /// <summary>Parses a message.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="name">Room for the name, <see cref="DnsName.MaxBytes"/>; the query points into it.</param>
    /// <param name="query">What could be read; for everything but <see cref="DnsQueryStatus.NoQuery"/> enough to answer.</param>
    public static DnsQueryStatus Parse(ReadOnlySpan<byte> message, Span<byte> name, out DnsQuery query)
    {
        query = default;
        if (message.Length < HeaderSize)
        {
            return DnsQueryStatus.NoQuery;
        }
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & Response) != 0)
        {
            return DnsQueryStatus.NoQuery;
        }
        query = new DnsQuery { Id = BinaryPrimitives.ReadUInt16BigEndian(message), Flags = flags, UdpSize = 512 };
        if ((flags & OpcodeMask) != 0)
        {
            return DnsQueryStatus.OtherOperation;
        }
        int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]), offset = HeaderSize;
        int plain = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        int records = plain + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        if (questions > 1 || records > MaxRecords)
        {
            return DnsQueryStatus.Malformed;
        }
        if (questions == 1)
        {
            if (!DnsName.TryRead(message, ref offset, name, out int length) || offset != HeaderSize + length || offset + 4 > message.Length)
            {
                return DnsQueryStatus.Malformed;
            }
            query = query with
            {
                Question = message[HeaderSize..(offset + 4)],
                Name = name[..length],
                Type = BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
                Class = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            };
            offset += 4;
        }
        for (int i = 0; i < records; i++)
        {
            int start = offset;
            if (!DnsRecord.TrySkip(message, ref offset, out DnsRecord record))
            {
                return DnsQueryStatus.Malformed;
            }
            if (record.Type != DnsType.Opt)
            {
                continue;
            }
            // One only, at the root, among the additional records (RFC 6891 section 6.1.1).
            if (query.HasEdns || i < plain || message[start] != 0)
            {
                return DnsQueryStatus.Malformed;
            }
            query = query with
            {
                HasEdns = true,
                UdpSize = Math.Max((int)record.Class, 512),
                EdnsVersion = (byte)(record.Ttl >> 16),
                DnssecOk = (record.Ttl & 0x8000) != 0,
            };
            if (!TryFindCookie(record.Data, out ReadOnlySpan<byte> cookie))
            {
                return DnsQueryStatus.Malformed;
            }
            query = query with { Cookie = cookie };
        }
        // A query without a question asks for a cookie (RFC 7873 section 5.4).
        return offset == message.Length && (questions == 1 || query.Cookie.Length > 0) ? DnsQueryStatus.Sound : DnsQueryStatus.Malformed;
    }

    private static bool TryFindCookie(ReadOnlySpan<byte> options, out ReadOnlySpan<byte> cookie)
    {
        cookie = default;
        while (options.Length > 0)
        {
            if (options.Length < 4 || BinaryPrimitives.ReadUInt16BigEndian(options[2..]) is var length && length > options.Length - 4)
            {
                return false;
            }
            if (BinaryPrimitives.ReadUInt16BigEndian(options) == CookieOption && cookie.IsEmpty)
            {
                cookie = options.Slice(4, length);
                if (length is not (8 or (>= 16 and <= 40)))
                {
                    return false;
                }
            }
            options = options[(4 + length)..];
        }
        return true;
    }
}
