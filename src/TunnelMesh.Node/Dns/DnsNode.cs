using System.Net;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>What there is at a name, as bytes of records. Immutable once it is in a zone.</summary>
internal sealed class DnsNode
{
    internal const int V4Size = 4, V6Size = 16;

    /// <summary>A name that exists and has nothing.</summary>
    internal static readonly DnsNode Empty = new();

    /// <summary>IPv4 addresses, one after the other.</summary>
    internal byte[] V4 { get; private set; } = [];

    /// <summary>IPv6 addresses, one after the other.</summary>
    internal byte[] V6 { get; private set; } = [];

    /// <summary>The name an address points to, in canonical form; empty for a name that is no address.</summary>
    internal byte[] Target { get; private init; } = [];

    /// <summary>A node of addresses.</summary>
    internal static DnsNode Of(params IEnumerable<DnsHost> hosts) => new()
    {
        V4 = [.. hosts.SelectMany(h => h.Ip.GetAddressBytes())],
        V6 = [.. hosts.SelectMany(h => h.Ip6.GetAddressBytes())],
    };

    /// <summary>A node that points to a name.</summary>
    internal static DnsNode PointingTo(string name)
    {
        byte[] bytes = new byte[DnsName.MaxBytes];
        return DnsName.TryWrite(name, bytes, out int length) ? new DnsNode { Target = bytes[..length] } : Empty;
    }

    /// <summary>The address as a number, for tables.</summary>
    internal static UInt128 Key(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[V6Size];
        return address.TryWriteBytes(bytes, out int written) && written == V6Size
            ? System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes)
            : System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
