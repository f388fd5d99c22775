namespace TunnelMesh.Node.Dns;

/// <summary>How a name under <c>arpa</c> lies to a range.</summary>
internal enum ReverseMatch
{
    /// <summary>Outside it, or above it.</summary>
    None,
    /// <summary>The name of the zone itself.</summary>
    Apex,
    /// <summary>Below the zone, and no whole address yet.</summary>
    Between,
    /// <summary>A whole address.</summary>
    Address,
    /// <summary>Below the zone, and nothing that could exist.</summary>
    Beyond,
}
