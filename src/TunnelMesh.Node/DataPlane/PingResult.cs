namespace TunnelMesh.Node.DataPlane;

/// <summary>An answer to a ping inside a session.</summary>
/// <param name="Transport"><c>udp</c>, <c>ssh</c> or <c>relay</c>: over what it went and came.</param>
/// <param name="Endpoint">The UDP address; null over a carrier.</param>
/// <param name="RoundTrip">From the probe to its echo.</param>
/// <param name="PathChanges">Changes of the path to the device since the start, when the probe was sent.</param>
public sealed record PingResult(string Transport, string? Endpoint, TimeSpan RoundTrip, long PathChanges);
