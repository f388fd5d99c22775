using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

/// <summary>Queries as programs send them, and answers as they read them.</summary>
internal sealed record DnsAsk(DnsVerdict Verdict, DnsResponseCode Code, int Flags, IReadOnlyList<string> Answers, IReadOnlyList<string> Authorities, byte[] Cookie, int Length)
{
    /// <summary>A query with a number, flag RD, and EDNS when a size is given.</summary>
    public static byte[] Query(string name, ushort type, int udpSize = 0, byte[]? cookie = null, ushort dnsClass = DnsClass.Internet, ushort flags = DnsQuery.RecursionDesired)
    {
        byte[] wire = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryWrite(name, wire, out int length));
        List<byte> bytes = [0x12, 0x34, (byte)(flags >> 8), (byte)flags, 0, 1, 0, 0, 0, 0, 0, udpSize > 0 ? (byte)1 : (byte)0, .. wire[..length], (byte)(type >> 8), (byte)type, (byte)(dnsClass >> 8), (byte)dnsClass];
        if (udpSize > 0)
        {
            int options = cookie is null ? 0 : 4 + cookie.Length;
            bytes.AddRange([0, 0, 41, (byte)(udpSize >> 8), (byte)udpSize, 0, 0, 0, 0, 0, (byte)options]);
            if (cookie is not null)
            {
                bytes.AddRange([0, 10, 0, (byte)cookie.Length, .. cookie]);
            }
        }
        return [.. bytes];
    }

    /// <summary>Asks a responder.</summary>
    public static DnsAsk Of(DnsResponder responder, byte[] query, string source = "127.0.0.1", bool stream = false)
    {
        byte[] answer = new byte[stream ? 65535 : DnsResponder.MaxUdp];
        DnsVerdict verdict = responder.Answer(query, DnsSource.Of(IPAddress.Parse(source)), stream, answer, out int length);
        return Read(answer.AsSpan(0, length), verdict);
    }

    /// <summary>Asks a responder for a name.</summary>
    public static DnsAsk Of(DnsResponder responder, string name, ushort type, string source = "127.0.0.1") => Of(responder, Query(name, type), source);

    /// <summary>Reads an answer; fails when it is not sound.</summary>
    public static DnsAsk Read(ReadOnlySpan<byte> answer, DnsVerdict verdict = DnsVerdict.Answer)
    {
        if (answer.IsEmpty)
        {
            return new DnsAsk(verdict, DnsResponseCode.NoError, 0, [], [], [], 0);
        }
        int flags = BinaryPrimitives.ReadUInt16BigEndian(answer[2..]), offset = DnsQuery.HeaderSize, code = flags & 0xF;
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        if (BinaryPrimitives.ReadUInt16BigEndian(answer[4..]) == 1)
        {
            Assert.True(DnsName.TryRead(answer, ref offset, name, out _));
            offset += 4;
        }
        List<string>[] sections = [[], [], []];
        byte[] cookie = [];
        for (int section = 0; section < 3; section++)
        {
            for (int i = BinaryPrimitives.ReadUInt16BigEndian(answer[(6 + 2 * section)..]); i > 0; i--)
            {
                Assert.True(DnsRecord.TryRead(answer, ref offset, name, out int length, out DnsRecord record));
                if (record.Type == DnsType.Opt)
                {
                    code |= (int)(record.Ttl >> 24) << 4;
                    cookie = record.Data.Length > 4 ? record.Data[4..].ToArray() : [];
                    continue;
                }
                string data = record.Type switch
                {
                    DnsType.A or DnsType.Aaaa => new IPAddress(record.Data).ToString(),
                    DnsType.Ptr or DnsType.NS => Text(record.Data),
                    DnsType.Soa => $"SOA min {BinaryPrimitives.ReadUInt32BigEndian(record.Data[^4..])}",
                    _ => Convert.ToHexStringLower(record.Data),
                };
                sections[section].Add($"{Text(name[..length])} {record.Ttl} {data}");
            }
        }
        Assert.Equal(answer.Length, offset);
        return new DnsAsk(verdict, (DnsResponseCode)code, flags, sections[0], sections[1], cookie, answer.Length);
    }

    private static string Text(ReadOnlySpan<byte> name)
    {
        string text = "";
        for (int at = 0; name[at] != 0; at += name[at] + 1)
        {
            text += System.Text.Encoding.ASCII.GetString(name.Slice(at + 1, name[at])) + ".";
        }
        return text;
    }
}
