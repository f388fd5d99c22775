using System.Net;

namespace TunnelMesh.Platform.Routes;

/// <summary>A prefix that this machine reaches by itself.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="InterfaceName">The interface it leads into.</param>
/// <param name="ViaGateway">True when another machine stands between; known on Linux only.</param>
public sealed record LocalRoute(IPNetwork Prefix, string InterfaceName, bool ViaGateway = false);
