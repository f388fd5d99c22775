using TunnelMesh.Node.DataPlane;

namespace TunnelMesh.Node.Metrics;

/// <summary>Another device by its name, with its tunnel.</summary>
/// <param name="Name">Name in the mesh.</param>
/// <param name="Stats">How the tunnel is doing.</param>
public readonly record struct NamedPeer(string Name, PeerStats Stats);
