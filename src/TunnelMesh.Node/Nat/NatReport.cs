using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What is known of how this peer can be reached from outside, for people and for the choice of candidates. A snapshot.</summary>
/// <param name="V4">What STUN servers tell of IPv4: mapping behaviour, endpoints, round trips.</param>
/// <param name="V6">The same of IPv6.</param>
/// <param name="MappingV4">The port mapping of IPv4; null for none.</param>
/// <param name="MappingV6">The port mapping of IPv6; null for none.</param>
/// <param name="MappingProblem">Why there is no port mapping of IPv4; null while there is one, or none was tried yet.</param>
/// <param name="UdpBlocked">True when no STUN server can be reached at all.</param>
public sealed record NatReport(StunFindings V4, StunFindings V6, PortMapping? MappingV4, PortMapping? MappingV6, string? MappingProblem, bool UdpBlocked)
{
    /// <summary>Puts together what both know now.</summary>
    /// <param name="probe">STUN.</param>
    /// <param name="mapper">Port mapping; null where it is switched off.</param>
    public static NatReport Of(StunProbe probe, PortMapper? mapper)
    {
        ArgumentNullException.ThrowIfNull(probe);
        return new NatReport(probe.V4, probe.V6, mapper?.V4, mapper?.V6, mapper?.Problem, probe.IsBlocked);
    }

    /// <summary>
    /// False when STUN servers see IPv4 at another address than the gateway names: there is a second NAT, or the gateway lies. True where there is nothing to compare.
    /// </summary>
    public bool MappingAgrees => MappingV4 is null || V4.Endpoints.Count == 0 || V4.Endpoints.Any(e => e.ToIPEndPoint().Address.Equals(MappingV4.External.Address));

    /// <summary>
    /// Endpoints from outside that others may be told, best first: a mapping that holds, then what servers see, unless the NAT maps so that it helps nobody else. A mapping that is
    /// not public, or that does not agree with what servers see, is left out.
    /// </summary>
    public IReadOnlyList<UdpEndpoint> PublicEndpoints =>
    [
        .. new[] { MappingV4 is { IsPublic: true } v4 && MappingAgrees ? UdpEndpoint.From(v4.External) : default, MappingV6 is { IsPublic: true } v6 ? UdpEndpoint.From(v6.External) : default }
            .Concat(Useful(V4)).Concat(Useful(V6)).Where(e => !e.IsNone).Distinct(),
    ];

    /// <summary>
    /// What other peers are told of the NAT of IPv4: hard only where no port is mapped. Where one server alone can be asked at two ports, which a NAT that goes by addresses maps alike, it is called
    /// easy: whoever trusts that in vain gives up after a while.
    /// </summary>
    public NatKind Kind => V4.Behaviour switch
    {
        MappingBehaviour.Dependent => MappingV4 is { IsPublic: true } && MappingAgrees ? NatKind.Unknown : NatKind.Hard,
        MappingBehaviour.EndpointIndependent or MappingBehaviour.None => NatKind.Easy,
        _ => V4 is { Endpoints.Count: 1, IsSeconded: true } ? NatKind.Easy : NatKind.Unknown,
    };

    /// <summary><see cref="Kind"/> and the endpoint outside an easy NAT, in the words of a <see cref="Protocol.Control.Meeting"/>.</summary>
    public (string? Nat, string? Mapped) Words => Kind switch
    {
        NatKind.Hard => (NatWord.Hard, null),
        NatKind.Easy when V4.Endpoints.Count > 0 => (NatWord.Easy, V4.Endpoints[0].ToString()),
        _ => default,
    };

    // The endpoints of a dependent NAT are those towards the servers only; the hole puncher wants their address, and finds it in the findings.
    private static IEnumerable<UdpEndpoint> Useful(StunFindings findings) => findings.Behaviour == MappingBehaviour.Dependent ? [] : findings.Endpoints;
}
