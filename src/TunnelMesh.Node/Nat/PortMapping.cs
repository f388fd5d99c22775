using System.Net;

namespace TunnelMesh.Node.Nat;

/// <summary>A port that a gateway says it forwards to us.</summary>
/// <param name="Method">How it was asked.</param>
/// <param name="External">Where others may send to.</param>
/// <param name="Gateway">Who says so.</param>
/// <param name="Expires">When it ends unless it is renewed, which happens at half its life.</param>
/// <param name="IsPublic">
/// False when the address is private (RFC 1918, RFC 6598, RFC 4193): there is another NAT beyond this gateway, so the mapping helps those in between only, and must
/// not be offered as a public endpoint.
/// </param>
public sealed record PortMapping(PortMappingMethod Method, IPEndPoint External, IPAddress Gateway, DateTimeOffset Expires, bool IsPublic);
