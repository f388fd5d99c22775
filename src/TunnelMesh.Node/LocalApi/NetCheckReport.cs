namespace TunnelMesh.Node.LocalApi;

/// <summary>How the network of this machine lets others reach it. The JSON names are stable.</summary>
public sealed record NetCheckReport
{
    /// <summary>UDP port of the tunnel.</summary>
    public required int UdpPort { get; init; }
    /// <summary>True when no STUN server answers over UDP although the coordinator is reached, and no peer beyond this network is heard over UDP; null when that is not known.</summary>
    public required bool? UdpBlocked { get; init; }
    /// <summary>True when there are STUN servers, and none answers.</summary>
    public bool StunSilent { get; init; }
    /// <summary>True while the control stream stands.</summary>
    public bool CoordinatorReached { get; init; } = true;
    /// <summary>IPv4.</summary>
    public required NetCheckFamily Ipv4 { get; init; }
    /// <summary>IPv6.</summary>
    public required NetCheckFamily Ipv6 { get; init; }
    /// <summary>Endpoints from outside that others are told, ip:port, best first.</summary>
    public required IReadOnlyList<string> PublicEndpoints { get; init; }
    /// <summary>What the gateway says.</summary>
    public required PortMappingReport PortMapping { get; init; }
    /// <summary>The stream to the relay; null where <c>transports</c> leaves it out.</summary>
    public required RelayReport? Relay { get; init; }
    /// <summary>TCP port of the SSH transport; null where <c>transports</c> leaves it out.</summary>
    public required int? SshPort { get; init; }
    /// <summary>What is wrong and what would help, a sentence or two each; empty when all is well.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];
}
