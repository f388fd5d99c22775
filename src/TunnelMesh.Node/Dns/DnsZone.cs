using System.Net;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// All names of the mesh at one moment: immutable, swapped whole. Names of devices, aliases and <c>this</c> under <c>tunnelmesh</c> and <c>mesh</c>, which are
/// the mesh's alone; under <c>tm</c>, a real country's domain, only names that exist in the mesh; and the addresses of the mesh's ranges backwards. Looking up
/// allocates nothing. Thread-safe.
/// </summary>
public sealed class DnsZone
{
    private const string Canonical = "tunnelmesh", This = "this";
    private readonly Dictionary<string, DnsNode>.AlternateLookup<ReadOnlySpan<char>> _names;
    private readonly Dictionary<UInt128, DnsNode> _addresses = [];
    private readonly ReverseRange[] _ranges;
    private readonly byte[][] _foreign;

    private DnsZone(Dictionary<string, DnsNode> names, ReverseRange[] ranges, byte[][] foreign, byte[] soa)
    {
        _names = names.GetAlternateLookup<ReadOnlySpan<char>>();
        _ranges = ranges;
        _foreign = foreign;
        Soa = soa;
        Names = names.Count;
    }

    /// <summary>No mesh yet: nothing exists.</summary>
    public static DnsZone Empty { get; } = Build([], [], 0, 0, []);

    /// <summary>Names of devices, aliases and <c>this</c>.</summary>
    public int Names { get; }

    /// <summary>Data of the SOA record, the same for every zone.</summary>
    internal byte[] Soa { get; }

    /// <summary>Data of the NS record of a zone: <c>this.tunnelmesh</c>.</summary>
    internal static byte[] NameServer { get; } = Wire("this.tunnelmesh");

    /// <summary>Builds the zone.</summary>
    /// <param name="hosts">All devices. A name counts before an alias, and of two equal aliases the one with the lower address.</param>
    /// <param name="ranges">The mesh's ranges, IPv4 and IPv6.</param>
    /// <param name="serial">Number of the map, for the SOA.</param>
    /// <param name="negativeTtl">Seconds for which a name that does not exist may be remembered.</param>
    /// <param name="foreign">Names that are never the mesh's, whatever its devices are called: by which coordinators are dialled.</param>
    public static DnsZone Build(IEnumerable<DnsHost> hosts, IEnumerable<IPNetwork> ranges, uint serial, uint negativeTtl, IEnumerable<string> foreign)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        DnsHost[] all = [.. hosts.OrderBy(h => DnsNode.Key(h.Ip))];
        Dictionary<string, DnsNode> names = new(all.Length + 1, StringComparer.Ordinal) { [This] = DnsNode.Of(all.Where(h => h.Coordinator)) };
        DnsNode[] nodes = new DnsNode[all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            nodes[i] = DnsNode.Of(all[i]);
            names.TryAdd(all[i].Name, nodes[i]);
        }
        for (int i = 0; i < all.Length; i++)
        {
            foreach (string alias in all[i].Aliases)
            {
                names.TryAdd(alias, nodes[i]);
            }
        }
        DnsZone zone = new(names, [.. ranges.Select(r => new ReverseRange(r))], [.. foreign.Select(Wire).Where(w => w.Length > 0)], SoaData(serial, negativeTtl));
        foreach (DnsHost host in all)
        {
            DnsNode pointer = DnsNode.PointingTo($"{host.Name}.{Canonical}");
            zone._addresses[DnsNode.Key(host.Ip)] = pointer;
            zone._addresses[DnsNode.Key(host.Ip6)] = pointer;
        }
        return zone;
    }

    /// <summary>The domains that hold the addresses of a range backwards, for systems that are to be told: the smallest whole ones, or none where they would be too many.</summary>
    public static IReadOnlyList<string> ReverseDomains(IPNetwork range) => new ReverseRange(range).Domains();

    /// <summary>Looks a name up.</summary>
    /// <param name="name">In canonical form.</param>
    internal DnsLookup Find(ReadOnlySpan<byte> name)
    {
        // A name has 127 labels at most.
        Span<byte> starts = stackalloc byte[128];
        int labels = 0;
        for (int at = 0; name[at] != 0; at += name[at] + 1)
        {
            starts[labels++] = (byte)at;
        }
        if (labels == 0)
        {
            return default;
        }
        ReadOnlySpan<byte> last = Label(name, starts[labels - 1]);
        if (IsForeign(name))
        {
            return default;
        }
        if (last.SequenceEqual("tunnelmesh"u8) || last.SequenceEqual("mesh"u8))
        {
            if (labels == 1)
            {
                return new DnsLookup(DnsLookupKind.Apex, DnsNode.Empty, 0);
            }
            return Host(name, starts, labels, starts[labels - 1]);
        }
        if (last.SequenceEqual("tm"u8))
        {
            // Each name of the mesh is a zone of its own here: the rest of the domain is somebody else's.
            return labels > 1 && Node(Label(name, starts[labels - 2])) is not null ? Host(name, starts, labels, starts[labels - 2]) : default;
        }
        return last.SequenceEqual("arpa"u8) && labels > 2 ? Reverse(name, starts[..labels]) : default;
    }

    private DnsLookup Host(ReadOnlySpan<byte> name, ReadOnlySpan<byte> starts, int labels, int apex)
    {
        DnsNode? node = labels == 2 ? Node(Label(name, starts[0])) : null;
        return node is null ? new DnsLookup(DnsLookupKind.Missing, null, apex)
            : new DnsLookup(apex == 0 ? DnsLookupKind.Apex : DnsLookupKind.Found, node, apex);
    }

    private DnsLookup Reverse(ReadOnlySpan<byte> name, ReadOnlySpan<byte> starts)
    {
        foreach (ReverseRange range in _ranges)
        {
            switch (range.Match(name, starts, out UInt128 address, out int apex))
            {
                case ReverseMatch.Apex when range.IsWhole(starts.Length):
                case ReverseMatch.Address:
                    DnsNode? node = _addresses.GetValueOrDefault(address);
                    return apex == 0 ? new DnsLookup(DnsLookupKind.Apex, node ?? DnsNode.Empty, 0)
                        : new DnsLookup(node is null ? DnsLookupKind.Missing : DnsLookupKind.Found, node, apex);
                case ReverseMatch.Apex:
                    return new DnsLookup(DnsLookupKind.Apex, DnsNode.Empty, apex);
                case ReverseMatch.Between:
                    return new DnsLookup(DnsLookupKind.Found, DnsNode.Empty, apex);
                case ReverseMatch.Beyond:
                    return new DnsLookup(DnsLookupKind.Missing, null, apex);
                default:
                    break;
            }
        }
        return default;
    }

    private bool IsForeign(ReadOnlySpan<byte> name)
    {
        foreach (byte[] foreign in _foreign)
        {
            if (name.SequenceEqual(foreign))
            {
                return true;
            }
        }
        return false;
    }

    private DnsNode? Node(ReadOnlySpan<byte> label)
    {
        Span<char> text = stackalloc char[DnsName.MaxLabelBytes];
        for (int i = 0; i < label.Length; i++)
        {
            text[i] = (char)label[i];
        }
        return _names.TryGetValue(text[..label.Length], out DnsNode? node) ? node : null;
    }

    private static ReadOnlySpan<byte> Label(ReadOnlySpan<byte> name, int start) => name.Slice(start + 1, name[start]);

    private static byte[] Wire(string text)
    {
        byte[] bytes = new byte[DnsName.MaxBytes];
        return DnsName.TryWrite(text, bytes, out int length) ? bytes[..length] : [];
    }

    // RFC 1035 section 3.3.13; the last field is the time for which "no such name" may be kept (RFC 2308 section 4).
    private static byte[] SoaData(uint serial, uint negativeTtl)
    {
        byte[] numbers = new byte[20];
        uint[] values = [serial, 3600, 600, 86400, negativeTtl];
        for (int i = 0; i < values.Length; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(numbers.AsSpan(i * 4), values[i]);
        }
        return [.. Wire("this.tunnelmesh"), .. Wire("hostmaster.tunnelmesh"), .. numbers];
    }
}
