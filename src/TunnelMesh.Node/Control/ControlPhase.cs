namespace TunnelMesh.Node.Control;

/// <summary>What the control stream is doing.</summary>
public enum ControlPhase
{
    /// <summary>Dialling for the first time.</summary>
    Connecting,
    /// <summary>Messages flow.</summary>
    Connected,
    /// <summary>Lost or refused; dialling again.</summary>
    Disconnected,
    /// <summary>Ended for good: revoked, left or stopped.</summary>
    Ended,
}
