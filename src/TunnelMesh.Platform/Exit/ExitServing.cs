using System.Net;

namespace TunnelMesh.Platform.Exit;

/// <summary>What a device needs that lets others' traffic out.</summary>
/// <param name="Interface">The mesh's interface.</param>
/// <param name="Range4">The mesh's IPv4 range.</param>
/// <param name="Range6">The mesh's IPv6 range.</param>
/// <param name="Own4">This device's IPv4 address in the mesh; null for none. Where the system has no rules for what is passed on only, it has to be named.</param>
/// <param name="Own6">The same of IPv6.</param>
public sealed record ExitServing(string Interface, IPNetwork Range4, IPNetwork Range6, IPAddress? Own4 = null, IPAddress? Own6 = null);
