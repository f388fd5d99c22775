using System.Buffers.Binary;
using TunnelMesh.Fuzz;

namespace TunnelMesh.Tests.Packets.Offload;

/// <summary>TCP and UDP packets for the tests, complete with checksums that the scalar sum made.</summary>
public sealed record FlowBytes
{
    public bool V4 { get; init; } = true;
    public bool Tcp { get; init; } = true;
    public int Host { get; init; } = 1;
    public ushort Port { get; init; } = 1000;
    public byte Tos { get; init; }
    public byte Ttl { get; init; } = 64;
    public bool DontFragment { get; init; } = true;
    public byte[] Options { get; init; } = [];
    public uint Ack { get; init; } = 77;
    public ushort Window { get; init; } = 501;

    public int HeaderLength => (V4 ? 20 : 40) + (Tcp ? 20 + Options.Length : 8);

    public int TransportOffset => V4 ? 20 : 40;

    public byte[] Make(ReadOnlySpan<byte> payload, uint sequence = 0, ushort id = 0, byte flags = 0x10)
    {
        byte[] packet = new byte[HeaderLength + payload.Length];
        payload.CopyTo(packet.AsSpan(HeaderLength));
        Span<byte> t = packet.AsSpan(TransportOffset);
        if (V4)
        {
            packet[0] = 0x45;
            packet[1] = Tos;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), id);
            packet[6] = (byte)(DontFragment ? 0x40 : 0);
            packet[8] = Ttl;
            packet[9] = (byte)(Tcp ? 6 : 17);
            byte[] addresses = [10, 42, 0, (byte)Host, 10, 42, 0, 200];
            addresses.CopyTo(packet, 12);
        }
        else
        {
            packet[0] = (byte)(0x60 | (Tos >> 4));
            packet[1] = (byte)(Tos << 4);
            packet[3] = 0x5A;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)t.Length);
            packet[6] = (byte)(Tcp ? 6 : 17);
            packet[7] = Ttl;
            (packet[8], packet[23], packet[24], packet[39]) = (0xfd, (byte)Host, 0xfd, 200);
        }

        BinaryPrimitives.WriteUInt16BigEndian(t, Port);
        BinaryPrimitives.WriteUInt16BigEndian(t[2..], 5201);
        if (Tcp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(t[4..], sequence);
            BinaryPrimitives.WriteUInt32BigEndian(t[8..], Ack);
            t[12] = (byte)((20 + Options.Length) / 4 << 4);
            t[13] = flags;
            BinaryPrimitives.WriteUInt16BigEndian(t[14..], Window);
            Options.CopyTo(t[20..]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(t[4..], (ushort)t.Length);
        }

        Sum(packet);
        return packet;
    }

    /// <summary>Sets both checksums of a packet anew.</summary>
    public void Sum(byte[] packet)
    {
        Span<byte> t = packet.AsSpan(TransportOffset);
        int field = Tcp ? 16 : 6;
        BinaryPrimitives.WriteUInt16BigEndian(t[field..], 0);
        ulong pseudo = ScalarChecksum.Add(V4 ? packet.AsSpan(12, 8) : packet.AsSpan(8, 32)) + (Tcp ? 6u : 17u) + (uint)t.Length;
        ushort sum = ScalarChecksum.Finish(ScalarChecksum.Add(t, pseudo));
        BinaryPrimitives.WriteUInt16BigEndian(t[field..], sum == 0 && !Tcp ? ushort.MaxValue : sum);
        if (V4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), 0);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), ScalarChecksum.Finish(ScalarChecksum.Add(packet.AsSpan(0, 20))));
        }
    }
}
