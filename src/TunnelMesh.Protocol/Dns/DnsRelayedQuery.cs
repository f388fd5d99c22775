using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Dns;

/// <summary>The query that is sent on for another: its question and what concerns the answer, and nothing that is meant for this hop alone, such as cookies. Pure.</summary>
public static class DnsRelayedQuery
{
    /// <summary>Longest query written.</summary>
    public const int MaxSize = DnsQuery.HeaderSize + DnsName.MaxBytes + 4 + 11;

    private const ushort AuthenticData = 0x0020;

    /// <summary>Writes it.</summary>
    /// <param name="query">What was asked.</param>
    /// <param name="id">Number to ask under.</param>
    /// <param name="maxUdp">Bytes of UDP answer taken at most.</param>
    /// <param name="buffer">Room for <see cref="MaxSize"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(in DnsQuery query, ushort id, int maxUdp, Span<byte> buffer)
    {
        buffer[..DnsQuery.HeaderSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(buffer, id);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], (ushort)(query.Flags & (DnsQuery.RecursionDesired | DnsQuery.CheckingDisabled | AuthenticData)));
        buffer[5] = 1;
        query.Question.CopyTo(buffer[DnsQuery.HeaderSize..]);
        int length = DnsQuery.HeaderSize + query.Question.Length;
        if (!query.HasEdns)
        {
            return length;
        }
        Span<byte> opt = buffer.Slice(length, 11);
        opt.Clear();
        opt[2] = (byte)DnsType.Opt;
        BinaryPrimitives.WriteUInt16BigEndian(opt[3..], (ushort)Math.Min(query.UdpSize, maxUdp));
        opt[7] = query.DnssecOk ? (byte)0x80 : (byte)0;
        buffer[11] = 1;
        return length + 11;
    }
}
