namespace TunnelMesh.Node.LocalApi;

/// <summary>Nobody answers at the control socket.</summary>
/// <param name="message">For people.</param>
public sealed class PeerNotRunningException(string message) : Exception(message);
