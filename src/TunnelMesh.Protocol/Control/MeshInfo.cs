using System.Net;
using TunnelMesh.Protocol.Addressing;

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

    /// <summary>Reads both ranges: a private one of IPv4, and the very /48 that goes with <see cref="MeshId"/>. Whoever names others would have what is for elsewhere led into the mesh.</summary>
    /// <returns>False when one of them is no range of a mesh; <see cref="RangeProblem"/> says why.</returns>
    public bool TryGetRanges(out IPNetwork range4, out IPNetwork range6) => TryGetRanges(out range4, out range6, out _);

    /// <summary>Why the ranges are none of a mesh, for people; null when they are. Has words of the sender in it.</summary>
    public string? RangeProblem() => TryGetRanges(out _, out _, out string problem) ? null : problem;

    /// <summary>True when the other names the same mesh with the same ranges, which a mesh keeps for life, and they can be read.</summary>
    public bool IsSameMesh(MeshInfo other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return MeshId == other.MeshId && TryGetRanges(out IPNetwork mine4, out IPNetwork mine6) && other.TryGetRanges(out IPNetwork its4, out IPNetwork its6) &&
            mine4 == its4 && mine6 == its6;
    }

    private bool TryGetRanges(out IPNetwork range4, out IPNetwork range6, out string problem)
    {
        range6 = default;
        if (!MeshAddresses.TryParseCidr(Cidr, out range4, out problem))
        {
            return false;
        }
        if (!MeshAddresses.IsMeshId(MeshId))
        {
            problem = $"'{MeshId}' is no ID of a mesh; it has 10 hexadecimal digits";
            return false;
        }
        IPNetwork ula = MeshAddresses.Ula(MeshId);
        problem = IPNetwork.TryParse(Cidr6, out range6) && range6 == ula ? "" : $"'{Cidr6}' is not the IPv6 range of this mesh; with the ID {MeshId} it is {ula}";
        return problem.Length == 0;
    }
}
