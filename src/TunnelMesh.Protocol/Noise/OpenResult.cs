namespace TunnelMesh.Protocol.Noise;

/// <summary>What became of a transport datagram.</summary>
public enum OpenResult
{
    /// <summary>Authentic and new.</summary>
    Opened,
    /// <summary>The tag does not fit, or the datagram is too short.</summary>
    Forged,
    /// <summary>Authentic, but seen before or too old to tell.</summary>
    Replayed,
    /// <summary>The session is past its age or its number of messages.</summary>
    Expired,
}
