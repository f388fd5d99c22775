using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>
/// The whole resolver, from a query to its answer: the first byte says who asks, over what and of which resolver, the rest is the message. Strangers get nothing,
/// answers are within their limits and no use for flooding others, names of the mesh never go to other servers.
/// </summary>
internal static class DnsResponderTarget
{
    // The shortest question that has a long answer is that for this.tm, 25 bytes; without a cookie 512 come back at most.
    private const int MaxAmplification = 21;

    private const byte Stranger = 3, Stream = 0x04;
    private const string Foreign = "vpn.example.mesh";

    private static readonly DnsSource[] Sources = [.. new[] { "127.0.0.1", "10.42.0.3", "fd12:3456:789a::3", "192.0.2.9" }.Select(a => DnsSource.Of(IPAddress.Parse(a)))];

    // By bits 3 and 4 of the first byte: whether there are servers to ask, and whether the mesh is served, too.
    private static readonly DnsResponder[] Responders = [.. Enumerable.Range(0, 4).Select(i => Responder((i & 1) != 0, (i & 2) != 0))];

    public static FuzzTarget Create() => new("dns-responder", [.. Seeds()], Run);

    private static IEnumerable<byte[]> Seeds()
    {
        string[] names = ["this.tm", "nas.tunnelmesh", "files.mesh", "nobody.tunnelmesh", "tunnelmesh", "nas.tm", "nic.tm", "example.com", Foreign, "2.0.42.10.in-addr.arpa",
            "2.0.0.0.a.2.a.0.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa", ""];
        byte head = 0;
        foreach (string name in names)
        {
            foreach (ushort type in new[] { DnsType.A, DnsType.Aaaa, DnsType.Ptr, DnsType.Soa, DnsType.Any })
            {
                yield return [head++, .. Question(name, type)];
            }
            // With EDNS, the size of a whole datagram, and a cookie.
            byte[] query = Question(name, DnsType.A);
            query[11] = 1;
            yield return [head++, .. query, .. Convert.FromHexString("00002904d000000000000c000a0008a1b2c3d4e5f60718")];
        }
        // An update, an answer, two questions, and EDNS of another version.
        yield return [1, .. Convert.FromHexString("123428000001000000000000" + "036e61730a74756e6e656c6d6573680000010001")];
        yield return [1, .. Convert.FromHexString("123481800001000000000000" + "036e61730a74756e6e656c6d6573680000010001")];
        yield return [2, .. Convert.FromHexString("123401000002000000000000" + "036e61730a74756e6e656c6d6573680000010001")];
        yield return [2, .. Convert.FromHexString("123401000001000000000001" + "036e61730a74756e6e656c6d6573680000010001" + "00002904d0000100000000")];
    }

    private static byte[] Question(string name, ushort type)
    {
        byte[] wire = new byte[DnsName.MaxBytes];
        Check.That(DnsName.TryWrite(name, wire, out int length), "a seed's name");
        return [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. wire[..length], 0, (byte)type, 0, (byte)DnsClass.Internet];
    }

    private static DnsResponder Responder(bool forwards, bool servesMesh)
    {
        IPNetwork[] ranges = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")];
        // As many coordinators as fit into an answer without a cookie: the worst there is.
        IEnumerable<DnsHost> hosts = Enumerable.Range(1, 30).Select(i => Host($"hub{i}", 256 + i, true)).Append(Host("nas", 2, false, "files", "hub1"));
        return new DnsResponder(300, new Running())
        {
            ServesMesh = servesMesh,
            Forwards = forwards,
            Zone = DnsZone.Build(hosts, ranges, 7, DnsResponder.MaxNegativeTtl, [Foreign]),
            Audience = new DnsAudience([IPAddress.Parse("10.42.0.2")], ranges),
        };
    }

    private static DnsHost Host(string name, int number, bool coordinator, params string[] aliases) =>
        new(name, aliases, IPAddress.Parse($"10.42.{number >> 8}.{number & 255}"), IPAddress.Parse($"fd12:3456:789a::a2a:{number:x}"), coordinator);

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }
        byte head = input.Span[0];
        ReadOnlySpan<byte> message = input.Span[1..];
        DnsResponder responder = Responders[(head >> 3) & 3];
        bool stream = (head & Stream) != 0, own = (head & 3) == 0;
        byte[] answer = new byte[stream ? ushort.MaxValue : DnsResponder.MaxUdp];
        DnsVerdict verdict = responder.Answer(message, Sources[head & 3], stream, answer, out int length);
        bool isQuery = message.Length >= DnsQuery.HeaderSize && (message[2] & 0x80) == 0;
        Check.That(verdict == DnsVerdict.Answer || length == 0, "bytes of an answer that is none");
        Check.That((verdict == DnsVerdict.Drop) == ((head & 3) == Stranger || !isQuery), "a query is dropped, or a stranger or an answer is answered");
        if (verdict == DnsVerdict.Answer)
        {
            Check.That(stream || length <= (own ? DnsResponder.MaxUdp : DnsResponder.MaxUnproven), "an answer is larger than its asker may get");
            Check.That(stream || own || length <= message.Length * MaxAmplification, "a small question has a large answer");
            ReadOnlySpan<byte> cookie = IsSound(answer.AsSpan(0, length), message);
            if (!own && !stream && cookie.Length == DnsCookie.Size)
            {
                ShowCookie(responder, Sources[head & 3], message, cookie);
            }
        }
        else if (verdict == DnsVerdict.Forward)
        {
            Check.That(responder.Forwards && (own || responder.ServesMesh) && (message[2] & 1) != 0, "a query is sent on that nobody may have sent on");
            IsOfOthers(message);
            length = DnsResponder.Fail(message, answer);
            Check.That(length <= 512 && (answer[3] & 0xF) == (int)DnsResponseCode.ServerFailure, "a failure of another size or code");
            IsSound(answer.AsSpan(0, length), message);
        }
    }

    // Whole, an answer to this message, without names that point anywhere but into its question. Returns its cookie.
    private static ReadOnlySpan<byte> IsSound(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> message)
    {
        Check.That(answer.Length >= DnsQuery.HeaderSize && answer[..2].SequenceEqual(message[..2]) && (answer[2] & 0x80) != 0, "an answer to something else");
        Span<byte> asked = stackalloc byte[DnsName.MaxBytes], name = stackalloc byte[DnsName.MaxBytes];
        int offset = DnsQuery.HeaderSize, askedLength = 0, questions = BinaryPrimitives.ReadUInt16BigEndian(answer[4..]);
        Check.That(questions <= 1, "several questions are said back");
        if (questions == 1)
        {
            Check.That(DnsName.TryRead(answer, ref offset, asked, out askedLength) && offset == DnsQuery.HeaderSize + askedLength, "the question said back cannot be read");
            offset += 4;
            Check.That(answer[DnsQuery.HeaderSize..offset].SequenceEqual(message[DnsQuery.HeaderSize..offset]), "another question is said back");
        }
        int end = offset, plain = BinaryPrimitives.ReadUInt16BigEndian(answer[6..]) + BinaryPrimitives.ReadUInt16BigEndian(answer[8..]);
        Check.That((answer[2] & 2) == 0 || plain == 0, "an answer that was cut has records");
        ReadOnlySpan<byte> cookie = default;
        for (int left = plain + BinaryPrimitives.ReadUInt16BigEndian(answer[10..]); left > 0; left--)
        {
            if (answer[offset] >= 0xC0)
            {
                int target = BinaryPrimitives.ReadUInt16BigEndian(answer[offset..]) & 0x3FFF;
                Check.That(target >= DnsQuery.HeaderSize && target < end, "a name points out of the question");
            }
            Check.That(DnsRecord.TryRead(answer, ref offset, name, out int length, out DnsRecord record), "a record cannot be read");
            if (record.Type == DnsType.Opt)
            {
                cookie = record.Data.Length > 4 ? record.Data[4..] : default;
                continue;
            }
            Check.That(asked[..askedLength].EndsWith(name[..length]), "a record of a name that is not asked for, nor above it");
            int at = 0;
            Check.That(record.Type is not (DnsType.NS or DnsType.Ptr) || (DnsName.TryRead(record.Data, ref at, name, out _) && at == record.Data.Length), "a name in a record does not stand alone");
        }
        Check.That(offset == answer.Length, "the answer has more than its records");
        Check.That(DnsQuery.Parse(answer, name, out _) == DnsQueryStatus.NoQuery, "an answer is taken for a query");
        return cookie;
    }

    // Who shows the cookie it was given gets more, though never more than a datagram; with it nobody else does.
    private static void ShowCookie(DnsResponder responder, in DnsSource source, ReadOnlySpan<byte> message, ReadOnlySpan<byte> cookie)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        if (DnsQuery.Parse(message, name, out DnsQuery query) != DnsQueryStatus.Sound || query.Question.IsEmpty)
        {
            return;
        }
        byte[] again = [.. message[..4], 0, 1, 0, 0, 0, 0, 0, 1, .. query.Question, 0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 4 + DnsCookie.Size, 0, 10, 0, DnsCookie.Size, .. cookie];
        byte[] answer = new byte[DnsResponder.MaxUdp];
        DnsVerdict proven = responder.Answer(again, source, stream: false, answer, out int length);
        Check.That(proven is not DnsVerdict.Drop, "who shows a cookie is dropped");
        if (proven == DnsVerdict.Answer)
        {
            IsSound(answer.AsSpan(0, length), again);
            bool cut = (answer[2] & 2) != 0;
            Check.That(!cut || length < DnsResponder.MaxUnproven, "an answer is cut, and large all the same");
            responder.Answer(again, new DnsSource(source.Number + 1, source.IsIPv4), stream: false, answer, out int other);
            Check.That(other <= DnsResponder.MaxUnproven, "the cookie of one asker counts for another");
        }
    }

    // Not below the mesh's own domains, except for the names of coordinators.
    private static void IsOfOthers(ReadOnlySpan<byte> message)
    {
        string text = "";
        for (int at = DnsQuery.HeaderSize; message[at] != 0; at += message[at] + 1)
        {
            // A dot within a label is no end of it.
            text += "." + System.Text.Encoding.Latin1.GetString(message.Slice(at + 1, message[at])).ToLowerInvariant().Replace('.', '?');
        }
        Check.That(text == "." + Foreign || !(text.EndsWith(".tunnelmesh", StringComparison.Ordinal) || text.EndsWith(".mesh", StringComparison.Ordinal)), "a name of the mesh goes to other servers");
        Check.That(!text.EndsWith(".nas.tm", StringComparison.Ordinal) && !text.EndsWith(".42.10.in-addr.arpa", StringComparison.Ordinal), "a zone of the mesh goes to other servers");
    }

    /// <summary>A millisecond passes with each look at it: nobody asks too often.</summary>
    private sealed class Running : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => ++_now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56);
    }
}
