using System.Security.Cryptography;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// Query in, answer out, from an immutable zone and an immutable audience that are swapped whole. No I/O; answering allocates nothing. Thread-safe.
/// <para>Answers cannot be used to flood others: strangers get none, names of others are sent on for this machine alone, and a device of the mesh that has not shown
/// a cookie gets 512 bytes at most.</para>
/// </summary>
public sealed class DnsResponder
{
    /// <summary>Largest answer over UDP, and largest query taken (RFC 9715 section 3.2 names this size: it passes without fragments).</summary>
    public const int MaxUdp = 1232;

    /// <summary>Largest answer over UDP to a source that has not proved that it receives what is sent to it.</summary>
    public const int MaxUnproven = 512;

    /// <summary>Longest time for which a missing name may be remembered, in seconds: it may appear any moment.</summary>
    public const uint MaxNegativeTtl = 10;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(DnsCookie.KeySize);
    private readonly DnsRateLimiter _limiter;
    private readonly TimeProvider _time;
    private long _answered, _refused, _malformed, _strangers, _limited;

    /// <param name="ttl">Seconds for which an answer may be remembered.</param>
    /// <param name="time">Clock.</param>
    public DnsResponder(uint ttl, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        Ttl = ttl;
        _time = time;
        _limiter = new DnsRateLimiter(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), time.TimestampFrequency);
    }

    /// <summary>Seconds for which an answer may be remembered.</summary>
    public uint Ttl { get; }

    /// <summary>Seconds for which a missing name may be remembered.</summary>
    public uint NegativeTtl => Math.Min(Ttl, MaxNegativeTtl);

    /// <summary>The names; set as a whole.</summary>
    public DnsZone Zone
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    } = DnsZone.Empty;

    /// <summary>Who is answered; set as a whole.</summary>
    public DnsAudience Audience
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    } = new([], []);

    /// <summary>Whether there are servers to ask for names of others.</summary>
    public bool Forwards
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Whether names of others are sent on for the mesh, too: on an exit peer, whose users' questions shall leave where their traffic does.</summary>
    public bool ServesMesh { get; init; }

    /// <summary>What was done so far; the edge adds what it counts itself.</summary>
    public DnsCounts Counts => new(Interlocked.Read(ref _answered), Interlocked.Read(ref _refused), 0, 0, Interlocked.Read(ref _malformed),
        Interlocked.Read(ref _strangers), Interlocked.Read(ref _limited), 0, 0);

    /// <summary>True when a source is served at all; who is not is counted.</summary>
    public bool Admits(in DnsSource source)
    {
        DnsAudience audience = Audience;
        if (audience.IsOwn(source) || audience.IsMesh(source))
        {
            return true;
        }
        Interlocked.Increment(ref _strangers);
        return false;
    }

    /// <summary>Who asks, for whoever sends the question on.</summary>
    /// <param name="source">One that is served.</param>
    public DnsAsker AskerOf(in DnsSource source) => Audience.IsOwn(source) ? DnsAsker.Own : DnsAsker.Of(source);

    /// <summary>Answers a query.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="stream">True over TCP: the answer may be as large as its buffer.</param>
    /// <param name="answer">Room for the answer: <see cref="MaxUdp"/> bytes, over TCP more.</param>
    /// <param name="length">Bytes of the answer.</param>
    public DnsVerdict Answer(ReadOnlySpan<byte> message, in DnsSource source, bool stream, Span<byte> answer, out int length)
    {
        length = 0;
        if (!Admits(source))
        {
            return DnsVerdict.Drop;
        }
        bool own = Audience.IsOwn(source);
        if (!own && !_limiter.TryTake(source, _time.GetTimestamp()))
        {
            Interlocked.Increment(ref _limited);
            return DnsVerdict.Drop;
        }
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        DnsQueryStatus status = DnsQuery.Parse(message, name, out DnsQuery query);
        if (status == DnsQueryStatus.NoQuery)
        {
            Interlocked.Increment(ref _malformed);
            return DnsVerdict.Drop;
        }
        if (!stream && message.Length > MaxUdp)
        {
            status = DnsQueryStatus.Malformed;
        }
        Span<byte> cookie = stackalloc byte[DnsCookie.Size];
        bool proven = ReadCookie(query, source, ref cookie);
        if (!stream)
        {
            answer = answer[..Math.Min(answer.Length, Math.Min(query.UdpSize, own || proven ? MaxUdp : MaxUnproven))];
        }
        bool recursive = (own || ServesMesh) && Forwards;
        scoped DnsWriter writer;
        if (status != DnsQueryStatus.Sound || query.EdnsVersion != 0)
        {
            Interlocked.Increment(ref _malformed);
            writer = new DnsWriter(answer, query, recursive ? DnsQuery.RecursionAvailable : (ushort)0);
            DnsResponseCode code = status == DnsQueryStatus.OtherOperation ? DnsResponseCode.NotImplemented
                : status == DnsQueryStatus.Malformed ? DnsResponseCode.FormatError : DnsResponseCode.BadVersion;
            length = writer.Finish(query, code, MaxUdp, cookie);
            return DnsVerdict.Answer;
        }
        DnsZone zone = Zone;
        DnsLookup found = query.Question.IsEmpty ? default : zone.Find(query.Name);
        bool served = query.Class is DnsClass.Internet or DnsClass.Any && query.Type is not (DnsType.Axfr or DnsType.Ixfr or DnsType.MailA or DnsType.MailB or DnsType.Opt);
        if (found.Kind == DnsLookupKind.Foreign && recursive && !query.Question.IsEmpty && served && (query.Flags & DnsQuery.RecursionDesired) != 0)
        {
            return DnsVerdict.Forward;
        }
        bool ours = found.Kind != DnsLookupKind.Foreign && served;
        writer = new DnsWriter(answer, query, (ushort)((ours ? DnsQuery.Authoritative : 0) | (recursive ? DnsQuery.RecursionAvailable : 0)));
        if (query.Question.IsEmpty || ours)
        {
            Interlocked.Increment(ref _answered);
            if (ours)
            {
                Write(ref writer, query, zone, found);
            }
            length = writer.Finish(query, found.Kind == DnsLookupKind.Missing ? DnsResponseCode.NameError : DnsResponseCode.NoError, MaxUdp, cookie);
            return DnsVerdict.Answer;
        }
        Interlocked.Increment(ref _refused);
        length = writer.Finish(query, DnsResponseCode.Refused, MaxUdp, cookie);
        return DnsVerdict.Answer;
    }

    /// <summary>Writes the answer that says that nobody else could be asked.</summary>
    /// <param name="message">A query that was to be sent on.</param>
    /// <param name="answer">Room for it, 512 bytes.</param>
    /// <returns>Bytes of the answer.</returns>
    public static int Fail(ReadOnlySpan<byte> message, Span<byte> answer)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        return DnsQuery.Parse(message, name, out DnsQuery query) == DnsQueryStatus.NoQuery ? 0
            : new DnsWriter(answer, query, DnsQuery.RecursionAvailable).Finish(query, DnsResponseCode.ServerFailure, MaxUdp, []);
    }

    // True when the cookie is one of ours; the one to give back then, or for the first time, is written.
    private bool ReadCookie(in DnsQuery query, in DnsSource source, ref Span<byte> cookie)
    {
        if (query.Cookie.IsEmpty)
        {
            cookie = default;
            return false;
        }
        Span<byte> address = stackalloc byte[DnsNode.V6Size];
        address = address[..source.Write(address)];
        uint now = (uint)_time.GetUtcNow().ToUnixTimeSeconds();
        DnsCookie.Write(query.Cookie, address, _key, now, cookie);
        return DnsCookie.IsValid(query.Cookie, address, _key, now);
    }

    private void Write(scoped ref DnsWriter writer, scoped in DnsQuery query, DnsZone zone, in DnsLookup found)
    {
        DnsNode? node = found.Node;
        bool any = query.Type == DnsType.Any, written = false;
        if (node is not null)
        {
            // Of ANY one set is enough (RFC 8482 section 4.1).
            written = query.Type is DnsType.A or DnsType.Any && Add(ref writer, DnsType.A, node.V4, DnsNode.V4Size);
            written |= (query.Type == DnsType.Aaaa || (any && !written)) && Add(ref writer, DnsType.Aaaa, node.V6, DnsNode.V6Size);
            written |= (query.Type == DnsType.Ptr || (any && !written)) && Add(ref writer, DnsType.Ptr, node.Target, Math.Max(node.Target.Length, 1));
        }
        if (found.Kind == DnsLookupKind.Apex && !written)
        {
            if (query.Type is DnsType.Soa or DnsType.Any)
            {
                writer.AddAnswer(0, DnsType.Soa, Ttl, zone.Soa);
                written = true;
            }
            else if (query.Type == DnsType.NS)
            {
                writer.AddAnswer(0, DnsType.NS, Ttl, DnsZone.NameServer);
                written = true;
            }
        }
        if (!written)
        {
            writer.AddAuthority(found.Apex, DnsType.Soa, NegativeTtl, zone.Soa);
        }
    }

    private bool Add(ref DnsWriter writer, ushort type, byte[] data, int size)
    {
        for (int at = 0; at < data.Length; at += size)
        {
            writer.AddAnswer(0, type, Ttl, data.AsSpan(at, size));
        }
        return data.Length > 0;
    }
}
