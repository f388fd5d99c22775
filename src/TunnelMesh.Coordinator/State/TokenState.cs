namespace TunnelMesh.Coordinator.State;

/// <summary>Whether a token admits devices, and if not why.</summary>
public enum TokenState
{
    /// <summary>It admits devices.</summary>
    Valid,
    /// <summary>Its time is over.</summary>
    Expired,
    /// <summary>It has admitted as many devices as it may.</summary>
    UsedUp,
    /// <summary>It was revoked, which cannot be taken back.</summary>
    Revoked,
}
