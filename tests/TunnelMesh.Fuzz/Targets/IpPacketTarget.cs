using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>IP headers, and the ICMP error about the packet: what is built must parse and check.</summary>
internal static class IpPacketTarget
{
    public static FuzzTarget Create() => new("ip-packet", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        Convert.FromHexString("4500001c0000400040110000" + "0a2a00010a2a0002" + "0035003500080000"),
        Convert.FromHexString("460000200000000040010000" + "0a2a00010a2a0002" + "01010101" + "0800000000000000"),
        Convert.FromHexString("600000000008" + "1140" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002" + "0035003500080000"),
        Convert.FromHexString("600000000018" + "0040" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002"
            + "2c00000000000000" + "3a00000100000001" + "8000000000000000"),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (!IpPacket.TryParse(input.Span, out IpPacket packet))
        {
            return;
        }
        Check.That(packet.TotalLength <= input.Length && packet.TransportOffset <= packet.TotalLength, "the packet is longer than its bytes");
        Check.That(packet.Source.Length == (packet.Version == 4 ? 4 : 16) && packet.Destination.Length == packet.Source.Length, "address size");
        Span<byte> output = stackalloc byte[IcmpUnreachable.MaxLengthV6];
        Span<byte> self = stackalloc byte[packet.Source.Length];
        self.Fill(10);
        if (!IcmpUnreachable.TryBuild(packet, IcmpUnreachableKind.Host, self, output, out int length))
        {
            return;
        }
        Check.That(packet.IsFirstFragment, "an error about a later fragment");
        Check.That(IpPacket.TryParse(output[..length], out IpPacket error) && error.TotalLength == length, "the error does not parse");
        Check.That(error.Destination.SequenceEqual(packet.Source) && error.Source.SequenceEqual(self), "the error goes elsewhere");
        Check.That(!IcmpUnreachable.TryBuild(error, IcmpUnreachableKind.Host, self, new byte[2000], out _), "an error about an error");
        ulong sum = error.Version == 4 ? 0 : InternetChecksum.AddPseudoHeader(error.Source, error.Destination, error.Protocol, error.Transport.Length);
        Check.That(InternetChecksum.Finish(InternetChecksum.Add(error.Transport, sum)) == 0, "the error's checksum is wrong");
    }
}
