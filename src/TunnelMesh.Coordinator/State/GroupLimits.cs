namespace TunnelMesh.Coordinator.State;

/// <summary>How much of groups there may be: each viewer holds the groups of every device.</summary>
public static class GroupLimits
{
    /// <summary>Groups in one mesh, built-in ones not counted.</summary>
    public const int Groups = 256;

    /// <summary>Users in one group.</summary>
    public const int Members = 4096;

    /// <summary>Groups that one user is in, built-in ones not counted.</summary>
    public const int OfUser = 32;
}
