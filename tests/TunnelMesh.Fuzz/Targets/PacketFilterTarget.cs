using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Packets to a filter that lets UDP 53 in and nothing else: what passes is that by an independent look at its bytes, or an echo, an error, or a fragment behind one that passed. Packets follow each other, each behind its length.</summary>
internal static class PacketFilterTarget
{
    // One for all inputs: nothing goes out, so no packet passes because of one before it, fragments apart, which a gate remembers.
    private static readonly PacketFilter Filter = Make();
    private static readonly FilterPeer Peer = Filter.Join("id", "nas");

    public static FuzzTarget Create() => new("packet-filter", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        Frame("4500001c0000400040110000" + "0a2a00020a2a0001" + "9c40003500080000"),
        Frame("4500001c0000400040110000" + "0a2a00020a2a0001" + "9c40003600080000"),
        Frame("45000028000040004006" + "0000" + "0a2a00020a2a0001" + "9c400035000000000000000050020000" + "00000000"),
        Frame("4500001c0000000040010000" + "0a2a00020a2a0001" + "0800000000000000"),
        Frame("45000024" + "0007200040110000" + "0a2a00020a2a0001" + "9c40003500180000" + "0000000000000000", "45000024" + "0007000240110000" + "0a2a00020a2a0001" + "0000000000000000" + "0000000000000000"),
        Frame("6000000000081140" + "fd000000000000000000000000000002" + "fd000000000000000000000000000001" + "9c40003500080000"),
        Frame("6000000000102c40" + "fd000000000000000000000000000002" + "fd000000000000000000000000000001" + "1100000100000007" + "9c40003500080000",
            "6000000000102c40" + "fd000000000000000000000000000002" + "fd000000000000000000000000000001" + "1100000800000007" + "0000000000000000"),
        Frame("6000000000182b40" + "fd000000000000000000000000000002" + "fd000000000000000000000000000001" + "3c00000000000000" + "1100000000000000" + "9c40003500080000"),
    ];

    private static byte[] Frame(params string[] packets) => [.. packets.Select(Convert.FromHexString).SelectMany(p => p.Prepend((byte)p.Length))];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        InboundGate gate = new(Filter);
        gate.Begin(Peer, 1);
        bool begun = false;
        for (ReadOnlySpan<byte> rest = input.Span; rest.Length > 1;)
        {
            int length = Math.Min(rest[0], rest.Length - 1);
            if (IpPacket.TryParse(rest.Slice(1, length), out IpPacket packet) && gate.Admit(packet))
            {
                PlainLook look = PlainLook.At(packet.Bytes);
                Check.That(look.IsLater ? begun : look.IsDnsQuery || look.IsEchoOrError, "a packet that no rule lets in has passed");
                begun |= !look.IsLater && look.IsFragment;
            }

            rest = rest[(1 + length)..];
        }

        gate.End();
    }

    private static PacketFilter Make()
    {
        PacketFilter filter = new(TimeProvider.System, bytes => bytes.Fill(3));
        filter.SetOwn(true, [new FilterRule(new PortRange(53, 53), FilterProtocol.Udp, FilterAction.Allow, FilterSource.Any)]);
        return filter;
    }

    /// <summary>Another reading of the same headers, by the RFCs and nothing else.</summary>
    private readonly record struct PlainLook(bool IsFragment, bool IsLater, bool IsDnsQuery, bool IsEchoOrError)
    {
        public static PlainLook At(ReadOnlySpan<byte> b)
        {
            if (b[0] >> 4 == 4)
            {
                int offset = ((b[6] & 0x1F) << 8) | b[7], header = (b[0] & 15) * 4;
                return Of(b[header..], b[9], 1, (b[6] & 0x20) != 0 || offset != 0, offset != 0, 0, 3, 8, 11, 12);
            }

            int at = 40, next = b[6];
            bool fragment = false, later = false;
            while (!later && next is 0 or 43 or 44 or 51 or 60)
            {
                int size = next == 44 ? 8 : next == 51 ? (b[at + 1] + 2) * 4 : (b[at + 1] + 1) * 8;
                if (next == 44)
                {
                    int field = (b[at + 2] << 8) | b[at + 3];
                    later = field >> 3 != 0;
                    fragment |= later || (field & 1) != 0;
                }

                next = b[at];
                at += size;
                if (later)
                {
                    break;
                }
            }

            return Of(b[at..], next, 58, fragment, later, 1, 2, 3, 4, 128, 129);
        }

        private static PlainLook Of(ReadOnlySpan<byte> upper, int protocol, int icmp, bool fragment, bool later, params ReadOnlySpan<byte> types) => new(
            fragment, later, !later && protocol == 17 && upper.Length >= 8 && upper[2] == 0 && upper[3] == 53, !later && protocol == icmp && upper.Length >= 8 && types.Contains(upper[0]));
    }
}
