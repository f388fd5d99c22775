using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.Control;

/// <summary>What identifies a mesh and frames its addresses.</summary>
public sealed record MeshInfo
{
    /// <summary>40-bit mesh ID, 10 hex digits.</summary>
    public required string MeshId { get; init; }
    /// <summary>IPv4 range, for example 10.42.0.0/16.</summary>
    public required string Cidr { get; init; }
    /// <summary>IPv6 /48, for example fd12:3456:789a::/48.</summary>
    public required string Cidr6 { get; init; }
    /// <summary>Canonical domain suffix without a dot: tunnelmesh.</summary>
    public required string Domain { get; init; }
    /// <summary>Longest time, in seconds, a peer may use its cached map without a coordinator.</summary>
    public required long MapMaxAgeSeconds { get; init; }

    /// <summary>Reads both ranges.</summary>
    /// <returns>False when one of them is no range of its family.</returns>
    public bool TryGetRanges(out IPNetwork range4, out IPNetwork range6)
    {
        range6 = default;
        return IPNetwork.TryParse(Cidr, out range4) && IPNetwork.TryParse(Cidr6, out range6) &&
            range4.BaseAddress.AddressFamily == AddressFamily.InterNetwork && range6.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
    }

    /// <summary>True when the other names the same mesh with the same ranges, which a mesh keeps for life, and they can be read.</summary>
    public bool IsSameMesh(MeshInfo other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return MeshId == other.MeshId && TryGetRanges(out IPNetwork mine4, out IPNetwork mine6) && other.TryGetRanges(out IPNetwork its4, out IPNetwork its6) &&
            mine4 == its4 && mine6 == its6;
    }
}
