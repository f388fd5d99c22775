using System.Net;

namespace TunnelMesh.Platform.Exit;

/// <summary>What a device needs that lets others' traffic out.</summary>
/// <param name="Interface">The mesh's interface.</param>
/// <param name="Range4">The mesh's IPv4 range.</param>
/// <param name="Range6">The mesh's IPv6 range.</param>
public sealed record ExitServing(string Interface, IPNetwork Range4, IPNetwork Range6);
