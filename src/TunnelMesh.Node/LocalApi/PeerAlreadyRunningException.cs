namespace TunnelMesh.Node.LocalApi;

/// <summary>A live peer holds the control socket.</summary>
/// <param name="message">For people; names the process.</param>
public sealed class PeerAlreadyRunningException(string message) : Exception(message);
