using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What one STUN server last told.</summary>
/// <param name="Server">The server.</param>
/// <param name="Mapped">Where it sees us; empty while it has not answered, or does not answer any more.</param>
/// <param name="RoundTrip">Of the last answer; of one that came after a repeat, from the first request on.</param>
public readonly record struct StunObservation(UdpEndpoint Server, UdpEndpoint Mapped, TimeSpan RoundTrip);
