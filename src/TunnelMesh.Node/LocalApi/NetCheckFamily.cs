namespace TunnelMesh.Node.LocalApi;

/// <summary>One family of IP addresses, as this machine has it.</summary>
public sealed record NetCheckFamily
{
    /// <summary>True with an address, and with a default route or a STUN server that answers.</summary>
    public required bool Usable { get; init; }
    /// <summary>Addresses of this machine's interfaces, the mesh's left out.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }
    /// <summary>True when there is a way to the internet.</summary>
    public required bool DefaultRoute { get; init; }
    /// <summary><c>none</c> (no NAT), <c>easy</c> (endpoint-independent mapping), <c>hard</c> (dependent mapping) or <c>unknown</c>.</summary>
    public required string Mapping { get; init; }
    /// <summary>True when the NAT keeps our port; null while no STUN server has answered.</summary>
    public required bool? PortPreserved { get; init; }
    /// <summary>Endpoints at which STUN servers see this peer, ip:port.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }
    /// <summary>STUN servers asked.</summary>
    public required IReadOnlyList<StunServerReport> Servers { get; init; }
}
