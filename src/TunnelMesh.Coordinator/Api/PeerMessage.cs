namespace TunnelMesh.Coordinator.Api;

/// <summary>What a peer sent.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Message">A record of the control protocol when <paramref name="Kind"/> says so, else null.</param>
internal readonly record struct PeerMessage(PeerMessageKind Kind, object? Message);
