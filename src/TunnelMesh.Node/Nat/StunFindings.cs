using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What all servers of one family together tell. A snapshot.</summary>
/// <param name="Behaviour">How the NAT maps, as far out as servers are: one on our own network, or between two NATs, tells nothing of what lies beyond.</param>
/// <param name="Endpoints">
/// Our endpoints as seen from outside, without duplicates, public ones first; our own only where no server sees another. With dependent mapping only the addresses are of use.
/// </param>
/// <param name="PortPreserved">True when every endpoint that the behaviour was judged by has our own port.</param>
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
        StunObservation[] outside = [.. answered.Where(s => s.Mapped.Port != localPort || !isOwn(s.Mapped)).OrderByDescending(IsPublic)];
        if (outside.Length == 0)
        {
            return new StunFindings(answered.Length > 0 ? MappingBehaviour.None : MappingBehaviour.Unknown, Distinct(answered), answered.Length > 0, servers);
        }

        StunObservation[] judged = IsPublic(outside[0]) ? [.. outside.TakeWhile(IsPublic)] : outside;
        UdpEndpoint[] endpoints = Distinct(judged);
        // One address cannot tell: even a NAT that looks at addresses maps two ports of it alike.
        MappingBehaviour behaviour = endpoints.Length > 1 ? MappingBehaviour.Dependent
            : judged.Select(s => (s.Server.High, s.Server.Low)).Distinct().Count() > 1 ? MappingBehaviour.EndpointIndependent
            : MappingBehaviour.Unknown;
        return new StunFindings(behaviour, Distinct(outside), endpoints.All(e => e.Port == localPort), servers);
    }

    /// <summary>True when no server or port stands alone with what it told.</summary>
    public bool IsSeconded => Servers.Count(s => !s.Mapped.IsNone) > 1;

    /// <summary>True when both say the same of us and the NAT; round trips do not count.</summary>
    internal bool SaysAs(StunFindings other) =>
        Behaviour == other.Behaviour && PortPreserved == other.PortPreserved && IsSeconded == other.IsSeconded && Endpoints.SequenceEqual(other.Endpoints);

    private static UdpEndpoint[] Distinct(StunObservation[] observations) => [.. observations.Select(s => s.Mapped).Distinct()];

    private static bool IsPublic(StunObservation observation) => ExternalAddress.IsPublic(observation.Mapped.ToIPEndPoint().Address);
}
