using System.Net;

namespace TunnelMesh.Platform.Tun;

/// <summary>An address of an interface with the length of its on-link prefix.</summary>
/// <param name="Address">The IPv4 or IPv6 address itself, host bits included.</param>
/// <param name="PrefixLength">0 to 32 or 0 to 128; the system routes the whole prefix into the interface.</param>
public sealed record TunAddress(IPAddress Address, int PrefixLength);
