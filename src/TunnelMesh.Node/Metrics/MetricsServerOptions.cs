using System.Net;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Node.Metrics;

/// <summary>What <see cref="MetricsServer"/> serves, and to whom. The functions are called on any thread.</summary>
public sealed record MetricsServerOptions
{
    /// <summary>The ranges of the mesh: whoever asks from elsewhere is closed at once.</summary>
    public required IPNetwork[] Ranges { get; init; }
    /// <summary>The device's certificate of now; null while there is none, and nobody is answered. Stays the caller's.</summary>
    public required Func<PeerCertificate?> Certificate { get; init; }
    /// <summary>The text of <c>/metrics</c>; asked for once a second at the most.</summary>
    public required Func<string> Metrics { get; init; }
    /// <summary>Why the peer is not well, for people; null when it is.</summary>
    public required Func<string?> Problem { get; init; }
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
