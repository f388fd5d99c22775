namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>What a <see cref="PacketCoalescer"/> may join, and how much it keeps open.</summary>
public sealed record CoalescerOptions
{
    /// <summary>Join TCP segments; needs a device that takes TSO.</summary>
    public bool Tcp { get; init; } = true;

    /// <summary>Join UDP datagrams; needs a device that takes USO.</summary>
    public bool Udp { get; init; } = true;

    /// <summary>Flows that may be open at the same time, 1 to 64; one more writes the oldest.</summary>
    public int MaxGroups { get; init; } = 8;
}
