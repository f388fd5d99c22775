using System.Net;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;

namespace TunnelMesh.Coordinator.Api;

/// <summary>What a server needs. State and authority stay the caller's to dispose, after the server.</summary>
public sealed record CoordinatorServerOptions
{
    /// <summary>TCP endpoint; port 0 takes a free one.</summary>
    public required IPEndPoint Listen { get; init; }
    /// <summary>The coordinator's mesh name, for its certificate.</summary>
    public required string Name { get; init; }
    /// <summary>State.</summary>
    public required ICoordinatorState State { get; init; }
    /// <summary>Authority of this mesh.</summary>
    public required MeshAuthority Authority { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init; } = "";
    /// <summary>Longest time a peer may use its cached map.</summary>
    public TimeSpan MapMaxAge { get; init; } = TimeSpan.FromDays(30);
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
