using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>What goes to other servers and what comes back: a query that is sent on keeps its question and nothing that is this hop's alone, an answer counts for its own question only, and addresses are read from what it holds.</summary>
internal static class DnsAnswerTarget
{
    private const int MaxUdp = 1232;

    public static FuzzTarget Create() => new("dns-answer", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        // vpn.example A, plain; with EDNS, DO and a cookie; with CD and AD.
        Convert.FromHexString("123401000001000000000000" + "0376706e076578616d706c650000010001"),
        Convert.FromHexString("123401000001000000000001" + "0376706e076578616d706c650000010001" + "00002904d000008000000c000a0008a1b2c3d4e5f60718"),
        Convert.FromHexString("123401300001000000000000" + "0376706e076578616d706c6500001c0001"),
        // Answers: one address; a CNAME before it; AAAA; a failure with an address; one that was cut; a name that points at itself.
        Convert.FromHexString("123481800001000100000000" + "0376706e076578616d706c650000010001" + "c00c000100010000003c0004c0000201"),
        Convert.FromHexString("123481800001000200000000" + "0376706e076578616d706c650000010001" + "c00c000500010000003c0002c010" + "c010000100010000003c0004c0000201"),
        Convert.FromHexString("123481800001000100000000" + "0376706e076578616d706c6500001c0001" + "c00c001c00010000003c001020010db8000000000000000000000001"),
        Convert.FromHexString("123481830001000100000000" + "0376706e076578616d706c650000010001" + "c00c000100010000003c0004c0000201"),
        Convert.FromHexString("123483800001000300000000" + "0376706e076578616d706c650000010001" + "c00c000100010000003c0004c00002"),
        Convert.FromHexString("123481800001000100000000" + "0376706e076578616d706c650000010001" + "c01d000100010000003c0004c0000201"),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> message = input.Span;
        Relay(message);
        Addresses(message, DnsType.A, 4);
        Addresses(message, DnsType.Aaaa, 16);
        Belongs(message);
    }

    private static void Relay(ReadOnlySpan<byte> message)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes], other = stackalloc byte[DnsName.MaxBytes];
        if (DnsQuery.Parse(message, name, out DnsQuery query) != DnsQueryStatus.Sound || query.Question.IsEmpty)
        {
            return;
        }
        byte[] buffer = new byte[DnsRelayedQuery.MaxSize];
        int length = DnsRelayedQuery.Write(query, 0xBEEF, MaxUdp, buffer);
        Check.That(DnsQuery.Parse(buffer.AsSpan(0, length), other, out DnsQuery relayed) == DnsQueryStatus.Sound && relayed.Id == 0xBEEF, "what is sent on is no query, or under another number");
        Check.That(relayed.Question.SequenceEqual(query.Question) && relayed.Name.SequenceEqual(query.Name), "another question is sent on");
        Check.That(relayed.Cookie.IsEmpty, "a cookie that was meant for this hop is sent on");
        Check.That(relayed.HasEdns == query.HasEdns && relayed.DnssecOk == query.DnssecOk && relayed.UdpSize <= MaxUdp, "EDNS is sent on otherwise, or more is asked for than is taken");
        Check.That((relayed.Flags & ~query.Flags) == 0 && (relayed.Flags & DnsQuery.RecursionDesired) == (query.Flags & DnsQuery.RecursionDesired), "flags come or go on the way");
    }

    private static void Addresses(ReadOnlySpan<byte> answer, ushort type, int size)
    {
        IPAddress[] found = DirectResolver.Read(answer, type);
        Check.That(found.Length == 0 || (answer[3] & 0xF) == 0, "a failure has addresses");
        Check.That(found.Length == 0 || found.Length <= BinaryPrimitives.ReadUInt16BigEndian(answer[6..]), "more addresses than records");
        foreach (IPAddress address in found)
        {
            byte[] bytes = address.GetAddressBytes();
            Check.That(bytes.Length == size && answer[DnsQuery.HeaderSize..].IndexOf(bytes) >= 0, "an address of the other family, or one that nobody sent");
        }
    }

    // Of the answer's own question, and of no other: each byte of number and question counts.
    private static void Belongs(ReadOnlySpan<byte> answer)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        int end = DnsQuery.HeaderSize;
        if (answer.Length < end || !DnsName.TryRead(answer, ref end, name, out int length) || end + 4 > answer.Length)
        {
            return;
        }
        byte[] query = [answer[0], answer[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name[..length], .. answer.Slice(end, 4)];
        if (!DnsAnswer.IsOf(answer, query))
        {
            return;
        }
        Check.That((answer[2] & 0x80) != 0, "a query is taken for an answer");
        for (int at = 0; at < query.Length; at = at == 1 ? DnsQuery.HeaderSize : at + 1)
        {
            query[at] ^= 1;
            Check.That(!DnsAnswer.IsOf(answer, query), "an answer counts for another question");
            query[at] ^= 1;
        }
    }
}
