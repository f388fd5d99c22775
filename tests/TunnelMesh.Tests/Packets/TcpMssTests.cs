using System.Buffers.Binary;
using CsCheck;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.Packets;

public sealed class TcpMssTests
{
    [Theory]
    [InlineData(4, 1216, 1176)]
    [InlineData(6, 1200, 1140)]
    public void A_connection_that_begins_is_told_what_goes_through_and_its_checksum_stays_right(int version, int mtu, int expected)
    {
        foreach (byte[] options in new byte[][] { [2, 4, 0x05, 0xb4], [1, 2, 4, 0x05, 0xb4, 0, 0, 0], [3, 3, 7, 2, 4, 0x05, 0xb4, 0], [4, 2, 1, 1, 1, 2, 4, 0x05, 0xb4, 1, 1, 1] })
        {
            byte[] packet = Syn(version, options);
            Assert.True(TcpMss.TryClamp(packet, mtu));
            Assert.Equal(expected, MssOf(packet));
            Assert.True(IsSound(packet));
            Assert.False(TcpMss.TryClamp(packet, mtu));
        }
    }

    [Fact]
    public void What_is_small_enough_no_SYN_no_TCP_or_damaged_stays_as_it_is()
    {
        byte[] small = Syn(4, [2, 4, 0x02, 0x00]);
        byte[] data = Syn(4, [2, 4, 0x05, 0xb4], flags: 0x10);
        byte[] udp = Syn(4, [2, 4, 0x05, 0xb4]);
        udp[9] = 17;
        byte[] cut = Syn(4, [1, 1, 2, 4]);
        byte[] zero = Syn(4, [9, 0, 2, 4, 0x05, 0xb4, 0, 0]);
        byte[] ended = Syn(4, [0, 2, 4, 0x05, 0xb4, 0, 0, 0]);
        foreach (byte[] packet in (byte[][])[small, data, udp, cut, zero, ended])
        {
            byte[] before = [.. packet];
            Assert.False(TcpMss.TryClamp(packet, 1216));
            Assert.Equal(before, packet);
        }
    }

    [Fact]
    public void Any_bytes_are_taken_without_an_exception() =>
        Gen.Byte.Array[0, 120].Sample(
            bytes =>
            {
                if (bytes.Length > 0)
                {
                    bytes[0] = (byte)(bytes.Length % 2 == 0 ? 0x45 : 0x60);
                }

                TcpMss.TryClamp(bytes, 1200);
            },
            iter: 20_000);

    private static byte[] Syn(int version, byte[] options, byte flags = 2)
    {
        byte[] padded = [.. options, .. new byte[(4 - (options.Length % 4)) % 4]];
        byte[] tcp = new byte[20 + padded.Length];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, 40000);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), 443);
        tcp[12] = (byte)(tcp.Length / 4 << 4);
        tcp[13] = flags;
        padded.CopyTo(tcp, 20);
        byte[] packet = version == 4 ? PacketBytes.V4("10.42.0.1", "10.42.0.2", 6, tcp) : PacketBytes.V6("fd00::1", "fd00::2", 6, tcp);
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip));
        ushort sum = InternetChecksum.Finish(InternetChecksum.Add(ip.Transport, InternetChecksum.AddPseudoHeader(ip.Source, ip.Destination, 6, ip.Transport.Length)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(ip.TransportOffset + 16), sum);
        return packet;
    }

    private static bool IsSound(byte[] packet) =>
        IpPacket.TryParse(packet, out IpPacket ip)
        && InternetChecksum.Finish(InternetChecksum.Add(ip.Transport, InternetChecksum.AddPseudoHeader(ip.Source, ip.Destination, 6, ip.Transport.Length))) == 0;

    private static int MssOf(byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip));
        int at = ip.Transport.ToArray().AsSpan(20).IndexOf([(byte)2, (byte)4]);
        return BinaryPrimitives.ReadUInt16BigEndian(ip.Transport[(20 + at + 2)..]);
    }
}
