using System.Net;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>The way to the internet in one family.</summary>
/// <param name="Gateway">The next hop, of IPv6 mostly link-local with its scope; null when the interface leads there by itself.</param>
/// <param name="InterfaceName">The interface.</param>
/// <param name="Source">The address of this machine that such traffic has; null when the system does not tell.</param>
public sealed record DefaultRoute(IPAddress? Gateway, string InterfaceName, IPAddress? Source);
