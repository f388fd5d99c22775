using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Control;

/// <summary>What a device brings to a join or a renewal.</summary>
public sealed record JoinRequest
{
    /// <summary>Where to dial.</summary>
    public required CoordinatorAddress Server { get; init; }
    /// <summary>The user's key.</summary>
    public required IdentityKey Identity { get; init; }
    /// <summary>The device's key.</summary>
    public required DeviceKey Device { get; init; }
    /// <summary>Wanted name, a DNS label.</summary>
    public required string Name { get; init; }
    /// <summary>SHA-256 of the mesh root's DER, 32 bytes, or null: then a join trusts the mutual proof alone.</summary>
    public byte[]? CaPin { get; init; }
    /// <summary>How coordinators are dialled.</summary>
    public Dialling Dialling { get; init; } = Dialling.Plain;
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init; } = "";
}
