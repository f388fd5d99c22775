using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Names of addresses backwards: a prefix length, the range's base and an address, then a name on the wire. What is taken for an address is one of the range, by its only name, and every such one is found.</summary>
internal static class DnsReverseTarget
{
    // Behind it every length of a prefix of IPv6 has a number of its own.
    private const int HeadBytes = 1 + 16 + 16, FirstOfV6 = 127;

    public static FuzzTarget Create() => new("dns-reverse", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        Seed(16, "10.42.0.0", "10.42.0.2", "2.0.42.10.in-addr.arpa"),
        Seed(20, "10.42.16.0", "10.42.17.9", "17.42.10.in-addr.arpa"),
        Seed(28, "10.42.16.0", "10.42.16.15", "015.16.42.10.in-addr.arpa"),
        Seed(32, "10.42.16.1", "10.42.16.1", "1.1.16.42.10.in-addr.arpa"),
        Seed(8, "10.0.0.0", "10.1.2.3", "256.10.in-addr.arpa"),
        Seed(48, "fd12:3456:789a::", "fd12:3456:789a::a2a:2", "2.0.0.0.a.2.a.0.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa"),
        Seed(46, "fd12:3456:7898::", "fd12:3456:789a::1", "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa"),
        Seed(127, "fd12::", "fd12::1", "x.2.1.d.f.ip6.arpa"),
        Seed(128, "fd12::1", "fd12::1", "1.d.f.ip6.arpa"),
        Seed(0, "0.0.0.0", "203.0.113.9", "113.0.203.in-addr.arpa"),
        Seed(0, "::", "2001:db8::1", "8.b.d.0.1.0.0.2.ip6.arpa"),
    ];

    private static byte[] Seed(int prefix, string range, string address, string name)
    {
        byte[] wire = new byte[DnsName.MaxBytes], numbers = new byte[32];
        Check.That(DnsName.TryWrite(name, wire, out int length), "a seed's name");
        IPAddress.Parse(range).TryWriteBytes(numbers, out _);
        IPAddress.Parse(address).TryWriteBytes(numbers.AsSpan(16), out _);
        return [(byte)(range.Contains(':', StringComparison.Ordinal) ? FirstOfV6 + prefix : prefix), .. numbers, .. wire[..length]];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (input.Length < HeadBytes)
        {
            return;
        }
        ReadOnlySpan<byte> bytes = input.Span;
        int bits = bytes[0] < FirstOfV6 ? 32 : 128, prefix = bits == 32 ? bytes[0] % 33 : bytes[0] - FirstOfV6;
        IPNetwork network = Network(bytes.Slice(1, bits / 8), prefix);
        ReverseRange range = new(network);
        IReadOnlyList<string> domains = range.Domains();
        Check.That(domains.Count <= ReverseRange.MaxDomains && domains.Distinct().Count() == domains.Count, "too many zones, or one twice");

        IPAddress address = new(bytes.Slice(17, bits / 8));
        string text = Backwards(address);
        byte[] wire = new byte[DnsName.MaxBytes];
        Check.That(DnsName.TryWrite(text, wire, out int length), "the name of an address");
        ReverseMatch match = Match(range, wire.AsSpan(0, length), out UInt128 found, out int apex, out int labels);
        bool inside = network.Contains(address), whole = match == ReverseMatch.Address || (match == ReverseMatch.Apex && range.IsWhole(labels));
        Check.That(inside == whole, "an address of the range is not found, or one of another is");
        Check.That(!inside || found == DnsNode.Key(address), "another address is found");
        Check.That(!inside || domains.Count == 0 || domains.Contains(Text(wire.AsSpan(apex))), "the address lies in a zone that nobody is told of");

        int at = 0;
        if (!DnsName.TryRead(bytes[HeadBytes..], ref at, wire, out length))
        {
            return;
        }
        text = Text(wire.AsSpan(0, length));
        if (!text.EndsWith(".arpa", StringComparison.Ordinal))
        {
            return;
        }
        match = Match(range, wire.AsSpan(0, length), out found, out apex, out labels);
        if (labels > 2 && (match == ReverseMatch.Address || (match == ReverseMatch.Apex && range.IsWhole(labels))))
        {
            Span<byte> number = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(number, found);
            IPAddress told = new(number[^(bits / 8)..]);
            Check.That(network.Contains(told) && Backwards(told) == text, "an address has two names");
        }
        if (match != ReverseMatch.None)
        {
            Check.That(domains.Count == 0 || domains.Contains(Text(wire.AsSpan(apex, length - apex))), "a name lies in a zone that is none");
        }
    }

    private static IPNetwork Network(ReadOnlySpan<byte> address, int prefix)
    {
        byte[] masked = address.ToArray();
        for (int i = 0; i < masked.Length; i++)
        {
            masked[i] &= (byte)(0xFF00 >> Math.Clamp(prefix - i * 8, 0, 8));
        }
        return new IPNetwork(new IPAddress(masked), prefix);
    }

    private static ReverseMatch Match(ReverseRange range, ReadOnlySpan<byte> name, out UInt128 address, out int apex, out int labels)
    {
        Span<byte> starts = stackalloc byte[128];
        labels = 0;
        for (int at = 0; name[at] != 0; at += name[at] + 1)
        {
            starts[labels++] = (byte)at;
        }
        (address, apex) = (default, 0);
        return labels > 2 ? range.Match(name, starts[..labels], out address, out apex) : ReverseMatch.None;
    }

    private static string Backwards(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        return bytes.Length == 4 ? string.Join('.', Enumerable.Reverse(bytes).Select(b => b.ToString(CultureInfo.InvariantCulture))) + ".in-addr.arpa"
            : string.Join('.', Convert.ToHexStringLower(bytes).Reverse()) + ".ip6.arpa";
    }

    // Labels with a dot in them are nobody's: what is written so is no name of an address.
    private static string Text(ReadOnlySpan<byte> name)
    {
        StringBuilder text = new();
        for (int at = 0; name[at] != 0; at += name[at] + 1)
        {
            text.Append(text.Length == 0 ? "" : ".").Append(Encoding.Latin1.GetString(name.Slice(at + 1, name[at])).Replace('.', '?'));
        }
        return text.ToString();
    }
}
