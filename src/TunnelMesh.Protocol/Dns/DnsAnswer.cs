using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Dns;

/// <summary>What is to be known of another server's answer before it is passed on. Pure.</summary>
public static class DnsAnswer
{
    /// <summary>Records looked at in one answer; more than fit into 64 KiB at their smallest.</summary>
    public const int MaxRecords = 6000;

    /// <summary>True when a message answers a query: same number, same question, and whole; names, pointers and records are all sound.</summary>
    /// <param name="answer">The whole message.</param>
    /// <param name="query">The query as it was sent.</param>
    public static bool IsOf(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> query)
    {
        Span<byte> asked = stackalloc byte[DnsName.MaxBytes], told = stackalloc byte[DnsName.MaxBytes];
        if (answer.Length < DnsQuery.HeaderSize || !answer[..2].SequenceEqual(query[..2]) || (answer[2] & 0x80) == 0)
        {
            return false;
        }
        int at = DnsQuery.HeaderSize, from = DnsQuery.HeaderSize;
        return BinaryPrimitives.ReadUInt16BigEndian(answer[4..]) == 1 &&
            DnsName.TryRead(query, ref from, asked, out int askedLength) && DnsName.TryRead(answer, ref at, told, out int toldLength) &&
            asked[..askedLength].SequenceEqual(told[..toldLength]) && answer.Length >= at + 4 && query.Length >= from + 4 &&
            answer.Slice(at, 4).SequenceEqual(query.Slice(from, 4)) && HasSoundRecords(answer, at + 4);
    }

    private static bool HasSoundRecords(ReadOnlySpan<byte> message, int offset)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        int records = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        if (records > MaxRecords)
        {
            return false;
        }
        for (int i = 0; i < records; i++)
        {
            if (!DnsRecord.TryRead(message, ref offset, name, out _, out _))
            {
                // A truncated answer may end anywhere; whoever gets it asks again over TCP.
                return (message[2] & 0x02) != 0;
            }
        }
        return true;
    }
}
