using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets;

/// <summary>
/// Destination Unreachable messages (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3.2; RFC 4443 3.1), Packet Too Big among them (RFC 1191, RFC 4443 3.2). Allocates nothing;
/// any thread. How many are sent is the caller's to limit (RFC 1812 4.3.2.8, RFC 4443 2.4 f).
/// </summary>
public static class IcmpUnreachable
{
    /// <summary>Largest message over IPv4 (RFC 1812 4.3.2.3) and over IPv6 (RFC 4443 2.4 c), bytes.</summary>
    public const int MaxLengthV4 = 576, MaxLengthV6 = 1280;

    private const int IcmpHeader = 8;
    private const byte Unreachable4 = 3, Unreachable6 = 1, TooBig6 = 2, Redirect6 = 137, HopLimit = 64, InternetworkControl = 0xC0;

    /// <summary>Builds the whole IP packet that tells the sender of <paramref name="about"/> why it was not delivered.</summary>
    /// <param name="about">The undelivered packet.</param>
    /// <param name="kind">The reason.</param>
    /// <param name="sourceAddress">
    /// Who tells it: 4 or 16 bytes, as <paramref name="about"/>'s version. A message for this very machine, written
    /// to its TUN, must not come from its own IPv4 address: Linux drops that as martian and the program waits for
    /// its timeout. The undelivered packet's destination serves for both versions.
    /// </param>
    /// <param name="output">
    /// Room for the message, not overlapping <paramref name="about"/>: at best <see cref="MaxLengthV4"/> or
    /// <see cref="MaxLengthV6"/> bytes; with less, less of the packet is quoted.
    /// </param>
    /// <param name="length">Bytes written, 0 when the answer is false.</param>
    /// <param name="mtu">For <see cref="IcmpUnreachableKind.TooBig"/>: the largest packet in bytes that goes through.</param>
    /// <returns>
    /// False when no message may be sent: about ICMP errors, fragments but the first, multicast or broadcast, or
    /// from a source that is not one host; and when versions differ or <paramref name="output"/> is too small.
    /// </returns>
    public static bool TryBuild(IpPacket about, IcmpUnreachableKind kind, ReadOnlySpan<byte> sourceAddress, Span<byte> output, out int length, int mtu = 0)
    {
        length = 0;
        if (!about.IsFirstFragment || sourceAddress.Length != about.Source.Length)
        {
            return false;
        }
        return about.Version == 4
            ? IsAnswerableV4(about) && TryBuildV4(about, kind, mtu, sourceAddress, output, out length)
            : IsAnswerableV6(about) && TryBuildV6(about, kind, mtu, sourceAddress, output, out length);
    }

    private static bool IsAnswerableV4(IpPacket about)
    {
        // 0/8, loopback, multicast, class E and the broadcast address name no single host (RFC 1812 4.3.2.7).
        if (about.Source[0] is 0 or 127 or >= 224 || about.Destination[0] is 0 or >= 224)
        {
            return false;
        }
        // Source quench, redirect, time exceeded, parameter problem and unreachable itself are errors.
        return about.Protocol != IpProtocol.Icmp || (about.Transport.Length > 0 && about.Transport[0] is not (3 or 4 or 5 or 11 or 12));
    }

    private static bool IsAnswerableV6(IpPacket about)
    {
        ReadOnlySpan<byte> source = about.Source;
        bool unspecifiedOrLoopback = source[..15].IndexOfAnyExcept((byte)0) < 0 && source[15] <= 1;
        if (unspecifiedOrLoopback || source[0] == 0xFF || about.Destination[0] == 0xFF)
        {
            return false;
        }
        return about.Protocol != IpProtocol.IcmpV6 || (about.Transport.Length > 0 && about.Transport[0] is >= 128 and not Redirect6);
    }

    private static bool TryBuildV4(IpPacket about, IcmpUnreachableKind kind, int mtu, ReadOnlySpan<byte> source, Span<byte> output, out int length)
    {
        const int Headers = IpPacket.MinHeaderV4 + IcmpHeader;
        length = 0;
        // At least the header and the first 8 bytes behind it, by which the sender finds its socket (RFC 792).
        int least = Math.Min(about.TotalLength, about.TransportOffset + 8);
        int quoted = Math.Min(about.TotalLength, Math.Min(MaxLengthV4, output.Length) - Headers);
        if (quoted < least)
        {
            return false;
        }
        Span<byte> message = output[..(Headers + quoted)];
        message[..Headers].Clear();
        message[0] = 0x45;
        message[1] = InternetworkControl;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)message.Length);
        // Never fragmented, so the identification may be zero (RFC 6864 4.1).
        message[6] = 0x40;
        message[8] = HopLimit;
        message[9] = IpProtocol.Icmp;
        source.CopyTo(message[12..]);
        about.Source.CopyTo(message[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[10..], InternetChecksum.Compute(message[..IpPacket.MinHeaderV4]));
        Span<byte> icmp = message[IpPacket.MinHeaderV4..];
        icmp[0] = Unreachable4;
        icmp[1] = kind switch
        {
            IcmpUnreachableKind.Host => 1,
            IcmpUnreachableKind.Port => 3,
            IcmpUnreachableKind.TooBig => 4,
            IcmpUnreachableKind.AdministrativelyProhibited => 13,
            _ => 0,
        };
        if (kind == IcmpUnreachableKind.TooBig)
        {
            BinaryPrimitives.WriteUInt16BigEndian(icmp[6..], (ushort)mtu);
        }
        about.Bytes[..quoted].CopyTo(icmp[IcmpHeader..]);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Compute(icmp));
        length = message.Length;
        return true;
    }

    private static bool TryBuildV6(IpPacket about, IcmpUnreachableKind kind, int mtu, ReadOnlySpan<byte> source, Span<byte> output, out int length)
    {
        const int Headers = IpPacket.HeaderV6 + IcmpHeader;
        length = 0;
        int least = Math.Min(about.TotalLength, IpPacket.HeaderV6 + 8);
        int quoted = Math.Min(about.TotalLength, Math.Min(MaxLengthV6, output.Length) - Headers);
        if (quoted < least)
        {
            return false;
        }
        Span<byte> message = output[..(Headers + quoted)];
        message[..Headers].Clear();
        message[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], (ushort)(IcmpHeader + quoted));
        message[6] = IpProtocol.IcmpV6;
        message[7] = HopLimit;
        source.CopyTo(message[8..]);
        about.Source.CopyTo(message[24..]);
        Span<byte> icmp = message[IpPacket.HeaderV6..];
        icmp[0] = kind == IcmpUnreachableKind.TooBig ? TooBig6 : Unreachable6;
        icmp[1] = kind switch
        {
            IcmpUnreachableKind.AdministrativelyProhibited => 1,
            IcmpUnreachableKind.Host => 3,
            IcmpUnreachableKind.Port => 4,
            _ => 0,
        };
        if (kind == IcmpUnreachableKind.TooBig)
        {
            BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], (uint)mtu);
        }
        about.Bytes[..quoted].CopyTo(icmp[IcmpHeader..]);
        ulong sum = InternetChecksum.AddPseudoHeader(source, about.Source, IpProtocol.IcmpV6, icmp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Finish(InternetChecksum.Add(icmp, sum)));
        length = message.Length;
        return true;
    }
}
