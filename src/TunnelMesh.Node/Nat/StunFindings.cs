using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What all servers of one family together tell. A snapshot.</summary>
/// <param name="Behaviour">How the NAT maps.</param>
/// <param name="Endpoints">Our endpoints as seen from outside, without duplicates; with dependent mapping only the addresses are of use.</param>
/// <param name="PortPreserved">True when every endpoint has our own port.</param>
/// <param name="Servers">Server by server.</param>
public sealed record StunFindings(MappingBehaviour Behaviour, IReadOnlyList<UdpEndpoint> Endpoints, bool PortPreserved, IReadOnlyList<StunObservation> Servers)
{
    /// <summary>Nothing was asked, or nobody has answered.</summary>
    public static StunFindings None { get; } = new(MappingBehaviour.Unknown, [], false, []);

    /// <summary>Draws the conclusions.</summary>
    /// <param name="servers">What they told; those of one family.</param>
    /// <param name="localPort">Our own port.</param>
    /// <param name="isOwn">Whether an address is one of this machine's.</param>
    public static StunFindings Of(IReadOnlyList<StunObservation> servers, int localPort, Func<UdpEndpoint, bool> isOwn)
    {
        ArgumentNullException.ThrowIfNull(servers);
        ArgumentNullException.ThrowIfNull(isOwn);
        StunObservation[] answered = [.. servers.Where(s => !s.Mapped.IsNone)];
        UdpEndpoint[] endpoints = [.. answered.Select(s => s.Mapped).Distinct()];
        MappingBehaviour behaviour = answered switch
        {
            [] => MappingBehaviour.Unknown,
            _ when endpoints.All(e => e.Port == localPort && isOwn(e)) => MappingBehaviour.None,
            _ when endpoints.Length > 1 => MappingBehaviour.Dependent,
            // One address cannot tell: even a NAT that looks at addresses maps two ports of it alike.
            _ when answered.Select(s => (s.Server.High, s.Server.Low)).Distinct().Count() > 1 => MappingBehaviour.EndpointIndependent,
            _ => MappingBehaviour.Unknown,
        };
        return new StunFindings(behaviour, endpoints, endpoints.Length > 0 && endpoints.All(e => e.Port == localPort), servers);
    }

    /// <summary>True when both say the same of us and the NAT; round trips do not count.</summary>
    internal bool SaysAs(StunFindings other) => Behaviour == other.Behaviour && PortPreserved == other.PortPreserved && Endpoints.SequenceEqual(other.Endpoints);
}
