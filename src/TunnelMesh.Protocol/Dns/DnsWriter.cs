using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Dns;

/// <summary>
/// Writes an answer: header and question at once, then records, then EDNS, then <see cref="Finish"/>. What does not fit is left out, and the answer is marked
/// truncated and empty, so that the asker comes back over TCP. Nothing allocates.
/// </summary>
public ref struct DnsWriter
{
    private const int OptSize = 11;
    private const int MaxCookie = 40;
    private readonly Span<byte> _buffer;
    private readonly int _start;
    private readonly ushort _flags;
    private int _length, _answers, _authorities;
    private bool _truncated;

    /// <summary>Begins the answer to a query, echoing its question.</summary>
    /// <param name="buffer">Room for the answer, at least 512 bytes; its length is the limit.</param>
    /// <param name="query">What is answered.</param>
    /// <param name="flags">Flags to set beside those that the query decides.</param>
    public DnsWriter(Span<byte> buffer, scoped in DnsQuery query, ushort flags)
    {
        _buffer = buffer;
        _flags = (ushort)(DnsQuery.Response | flags | (query.Flags & (0x7800 | DnsQuery.RecursionDesired | DnsQuery.CheckingDisabled)));
        buffer[..DnsQuery.HeaderSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(buffer, query.Id);
        query.Question.CopyTo(buffer[DnsQuery.HeaderSize..]);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[4..], query.Question.IsEmpty ? (ushort)0 : (ushort)1);
        _start = _length = DnsQuery.HeaderSize + query.Question.Length;
        // Room for EDNS is set aside from the beginning.
        Reserved = query.HasEdns ? OptSize + (query.Cookie.IsEmpty ? 0 : 4 + MaxCookie) : 0;
    }

    private int Reserved { get; }

    /// <summary>True when something did not fit.</summary>
    public readonly bool IsTruncated => _truncated;

    /// <summary>Adds a record of the name asked for, or of an ancestor of it, to the answers.</summary>
    /// <param name="nameOffset">Where the owner begins within the question's name; 0 for the whole name.</param>
    /// <param name="type">Its type.</param>
    /// <param name="ttl">Seconds it may be kept.</param>
    /// <param name="data">Its data, without compression.</param>
    public void AddAnswer(int nameOffset, ushort type, uint ttl, scoped ReadOnlySpan<byte> data)
    {
        if (TryAdd(nameOffset, type, ttl, data))
        {
            _answers++;
        }
    }

    /// <summary>Adds a record to the authority section, for example the SOA of a negative answer (RFC 2308).</summary>
    /// <inheritdoc cref="AddAnswer"/>
    public void AddAuthority(int nameOffset, ushort type, uint ttl, scoped ReadOnlySpan<byte> data)
    {
        if (TryAdd(nameOffset, type, ttl, data))
        {
            _authorities++;
        }
    }

    /// <summary>Ends the answer.</summary>
    /// <param name="query">What is answered.</param>
    /// <param name="code">The response code.</param>
    /// <param name="udpSize">Bytes of UDP query this server takes.</param>
    /// <param name="cookie">Client's and server's cookie; empty for none. 40 bytes at most.</param>
    /// <returns>Bytes of the answer.</returns>
    public int Finish(scoped in DnsQuery query, DnsResponseCode code, ushort udpSize, scoped ReadOnlySpan<byte> cookie)
    {
        if (_truncated)
        {
            (_length, _answers, _authorities) = (_start, 0, 0);
        }
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[2..], (ushort)(_flags | (_truncated ? DnsQuery.Truncated : 0) | ((int)code & 0xF)));
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[6..], (ushort)_answers);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[8..], (ushort)_authorities);
        if (query.HasEdns)
        {
            Span<byte> opt = _buffer[_length..];
            int options = cookie.IsEmpty ? 0 : 4 + cookie.Length;
            opt[0] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(opt[1..], DnsType.Opt);
            BinaryPrimitives.WriteUInt16BigEndian(opt[3..], udpSize);
            BinaryPrimitives.WriteUInt32BigEndian(opt[5..], ((uint)((int)code >> 4) << 24) | (query.DnssecOk ? 0x8000u : 0));
            BinaryPrimitives.WriteUInt16BigEndian(opt[9..], (ushort)options);
            if (options > 0)
            {
                BinaryPrimitives.WriteUInt16BigEndian(opt[11..], DnsQuery.CookieOption);
                BinaryPrimitives.WriteUInt16BigEndian(opt[13..], (ushort)cookie.Length);
                cookie.CopyTo(opt[15..]);
            }
            _length += OptSize + options;
            BinaryPrimitives.WriteUInt16BigEndian(_buffer[10..], 1);
        }
        return _length;
    }

    private bool TryAdd(int nameOffset, ushort type, uint ttl, scoped ReadOnlySpan<byte> data)
    {
        int size = 2 + DnsRecord.FixedSize + data.Length;
        if (_truncated || _length + size + Reserved > _buffer.Length)
        {
            _truncated = true;
            return false;
        }
        Span<byte> record = _buffer.Slice(_length, size);
        BinaryPrimitives.WriteUInt16BigEndian(record, (ushort)(0xC000 | (DnsQuery.HeaderSize + nameOffset)));
        BinaryPrimitives.WriteUInt16BigEndian(record[2..], type);
        BinaryPrimitives.WriteUInt16BigEndian(record[4..], DnsClass.Internet);
        BinaryPrimitives.WriteUInt32BigEndian(record[6..], ttl);
        BinaryPrimitives.WriteUInt16BigEndian(record[10..], (ushort)data.Length);
        data.CopyTo(record[12..]);
        _length += size;
        return true;
    }
}
