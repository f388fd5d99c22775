namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>How a NAT behaves, in the terms of RFC 4787.</summary>
internal sealed record NatOptions
{
    /// <summary>Which datagrams of an inner endpoint share an outer port.</summary>
    public NatBehaviour Mapping { get; init; } = NatBehaviour.EndpointIndependent;

    /// <summary>Who may send to an outer port: whoever was sent to from it, as closely as this tells.</summary>
    public NatBehaviour Filtering { get; init; } = NatBehaviour.AddressAndPortDependent;

    /// <summary>How the outer port is chosen.</summary>
    public NatPorts Ports { get; init; } = NatPorts.Preserved;

    /// <summary>A mapping, and the leave of a remote to send to it, end after this time without use (section 4.3: two minutes at least,
    /// though many boxes take 30 s).</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>True when datagrams that come in count as use, as those that go out always do (section 4.3, REQ-6).</summary>
    public bool InboundRefresh { get; init; }

    /// <summary>True when inner hosts reach each other by outer endpoints (section 6).</summary>
    public bool Hairpin { get; init; }

    /// <summary>The lowest outer port.</summary>
    public ushort FirstPort { get; init; } = 1024;

    /// <summary>The highest outer port; there are no more mappings than ports.</summary>
    public ushort LastPort { get; init; } = ushort.MaxValue;
}
