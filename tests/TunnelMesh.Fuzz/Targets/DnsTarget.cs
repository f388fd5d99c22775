using System.Buffers.Binary;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>DNS messages: what parses can be answered, the answer is whole and within its limit, and names neither grow without end nor go round in circles.</summary>
internal static class DnsTarget
{
    public static FuzzTarget Create() => new("dns", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        // nas.tunnelmesh A; with EDNS and a cookie; this.tm AAAA with CD; a cookie and no question.
        Convert.FromHexString("123401000001000000000000" + "036e61730a74756e6e656c6d6573680000010001"),
        Convert.FromHexString("123401200001000000000001" + "036e61730a74756e6e656c6d6573680000010001" + "00002904d000008000000c000a0008a1b2c3d4e5f60718"),
        Convert.FromHexString("000101100001000000000000" + "047468697302746d00001c0001"),
        Convert.FromHexString("000100000000000000000001" + "00002904d000000000000c000a0008a1b2c3d4e5f60718"),
        // Answers: a pointer to the question, one to itself, a chain.
        Convert.FromHexString("123485800001000100000000" + "036e61730a74756e6e656c6d6573680000010001" + "c00c000100010000012c00040a2a0002"),
        Convert.FromHexString("123485800001000100000000" + "036e61730a74756e6e656c6d6573680000010001" + "c020000100010000012c00040a2a0002"),
        Convert.FromHexString("123485800001000200000000" + "036e61730a74756e6e656c6d6573680000010001" + "0161c010000100010000012c00040a2a0002" + "0162c020000100010000012c00040a2a0002"),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> message = input.Span;
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        Names(message);
        DnsAnswer.IsOf(message, message);
        DnsQueryStatus status = DnsQuery.Parse(message, name, out DnsQuery query);
        if (status == DnsQueryStatus.NoQuery)
        {
            return;
        }
        if (!query.Name.IsEmpty)
        {
            IsCanonical(query.Name);
            Check.That(query.Question.Length == query.Name.Length + 4, "the offsets of name and question differ");
        }
        Check.That(query.Cookie.IsEmpty || query.Cookie.Length is 8 or (>= 16 and <= 40), "a cookie of another size");
        Span<byte> cookie = stackalloc byte[DnsCookie.Size];
        if (!query.Cookie.IsEmpty)
        {
            DnsCookie.Write(query.Cookie, [10, 42, 0, 1], new byte[16], 7, cookie);
            Check.That(DnsCookie.IsValid(cookie, [10, 42, 0, 1], new byte[16], 7), "an own cookie is not valid");
        }
        byte[] answer = new byte[512];
        DnsWriter writer = new(answer, query, DnsQuery.Authoritative);
        for (int i = message.Length % 40; i > 0 && !query.Name.IsEmpty; i--)
        {
            writer.AddAnswer(0, DnsType.A, 300, [10, 42, 0, (byte)i]);
        }
        bool truncated = writer.IsTruncated;
        int length = writer.Finish(query, DnsResponseCode.NoError, 1232, query.Cookie.IsEmpty ? [] : cookie);
        Check.That(length <= answer.Length && ((answer[2] & 2) != 0) == truncated, "the answer is too long, or does not say that it was cut");
        Check.That(DnsQuery.Parse(answer.AsSpan(0, length), name, out _) == DnsQueryStatus.NoQuery, "an answer is taken for a query");
        int offset = DnsQuery.HeaderSize + query.Question.Length;
        int records = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6)) + BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(10));
        for (; records > 0; records--)
        {
            Check.That(DnsRecord.TryRead(answer.AsSpan(0, length), ref offset, name, out _, out _), "an own record cannot be read");
        }
        Check.That(offset == length, "the answer has more than its records");
    }

    // Names at every place, however they point.
    private static void Names(ReadOnlySpan<byte> message)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        for (int at = 0; at < message.Length; at++)
        {
            int read = at, skipped = at;
            bool skips = DnsName.TrySkip(message, ref skipped);
            if (DnsName.TryRead(message, ref read, name, out int length))
            {
                Check.That(skips && read == skipped && read > at && read <= message.Length, "reading and passing over a name end at different places");
                IsCanonical(name[..length]);
            }
            else
            {
                Check.That(read == at, "a name that cannot be read moves on");
            }
        }
    }

    private static void IsCanonical(ReadOnlySpan<byte> name)
    {
        Check.That(name.Length is > 0 and <= DnsName.MaxBytes, "a name of no size");
        int at = 0;
        while (name[at] != 0)
        {
            Check.That(name[at] <= DnsName.MaxLabelBytes, "a long label, or a pointer");
            foreach (byte b in name.Slice(at + 1, name[at]))
            {
                Check.That(b is not (>= (byte)'A' and <= (byte)'Z'), "an upper-case letter");
            }
            at += name[at] + 1;
        }
        Check.That(at == name.Length - 1, "the name goes on after its end");
    }
}
