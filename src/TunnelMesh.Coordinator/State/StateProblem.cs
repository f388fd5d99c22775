namespace TunnelMesh.Coordinator.State;

/// <summary>Why the coordinator's state cannot be opened.</summary>
public enum StateProblem
{
    /// <summary>Damaged, incomplete, or of another program.</summary>
    Damaged,
    /// <summary>Another program holds it.</summary>
    InUse,
    /// <summary>It belongs to a mesh with other settings than the configured ones.</summary>
    OtherSettings,
    /// <summary>A newer program wrote it.</summary>
    Newer,
    /// <summary>The system does not let it be opened or written.</summary>
    Unusable,
}
