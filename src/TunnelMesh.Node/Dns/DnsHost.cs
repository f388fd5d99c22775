using System.Net;

namespace TunnelMesh.Node.Dns;

/// <summary>A device as the resolver knows it.</summary>
/// <param name="Name">Its name, a lower-case label.</param>
/// <param name="Aliases">Further names.</param>
/// <param name="Ip">Mesh IPv4 address.</param>
/// <param name="Ip6">Mesh IPv6 address.</param>
/// <param name="Coordinator">True for a coordinator: it is behind <c>this</c>, too.</param>
public sealed record DnsHost(string Name, IReadOnlyList<string> Aliases, IPAddress Ip, IPAddress Ip6, bool Coordinator);
