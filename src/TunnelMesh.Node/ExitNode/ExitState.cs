namespace TunnelMesh.Node.ExitNode;

/// <summary>How it is with the exit peer that was chosen.</summary>
public enum ExitState
{
    /// <summary>There is no map yet.</summary>
    Starting,
    /// <summary>No device of the mesh has the name.</summary>
    Unknown,
    /// <summary>The name is this device's own.</summary>
    Self,
    /// <summary>The device is there and does not let others' traffic out.</summary>
    NotOffered,
    /// <summary>It does not answer.</summary>
    Offline,
    /// <summary>It answers.</summary>
    Active,
}
