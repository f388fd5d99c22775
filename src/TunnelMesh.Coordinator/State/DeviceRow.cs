using System.Net;

namespace TunnelMesh.Coordinator.State;

/// <summary>A member device as stored. The arrays belong to the row and are not to be changed.</summary>
public sealed record DeviceRow
{
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string Id { get; init; }
    /// <summary>User ID, 16 hex digits.</summary>
    public required string UserId { get; init; }
    /// <summary>Unique name.</summary>
    public required string Name { get; init; }
    /// <summary>Further names, each of this device alone.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
    /// <summary>Mesh IPv4 address.</summary>
    public required IPAddress Ip { get; init; }
    /// <summary>Mesh IPv6 address.</summary>
    public required IPAddress Ip6 { get; init; }
    /// <summary>Raw X25519 key.</summary>
    public required byte[] DeviceKey { get; init; }
    /// <summary>Raw Ed25519 key.</summary>
    public required byte[] IdentityKey { get; init; }
    /// <summary>Signed device record.</summary>
    public required byte[] Record { get; init; }
    /// <summary>Generation of <see cref="Record"/>.</summary>
    public required ulong RecordGeneration { get; init; }
    /// <summary>True for a coordinator.</summary>
    public bool Coordinator { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init; } = "";
    /// <summary>Unix seconds of the first registration.</summary>
    public long Created { get; init; }
    /// <summary>Unix seconds of the last connection; 0 if never.</summary>
    public long LastSeen { get; init; }
    /// <summary>The token that admitted it, or null.</summary>
    public long? TokenId { get; init; }
}
