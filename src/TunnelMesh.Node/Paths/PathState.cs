namespace TunnelMesh.Node.Paths;

/// <summary>What is known of a path.</summary>
public enum PathState
{
    /// <summary>No probe has come back yet.</summary>
    Untried,

    /// <summary>Small probes come back; which size does is being found out.</summary>
    Sizing,

    /// <summary>A probe as large as <c>mtu</c> says has come back.</summary>
    Proven,

    /// <summary>It has stopped to answer.</summary>
    Doubted,
}
