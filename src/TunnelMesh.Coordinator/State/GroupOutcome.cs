namespace TunnelMesh.Coordinator.State;

/// <summary>What became of a change of a group.</summary>
public enum GroupOutcome
{
    /// <summary>It is stored.</summary>
    Changed,

    /// <summary>It was so already: the group is there, the user is in it, or is not.</summary>
    Unchanged,

    /// <summary>There is no such group.</summary>
    UnknownGroup,

    /// <summary>The user has no device in the mesh and is in no group, or was revoked.</summary>
    UnknownUser,

    /// <summary>There are as many groups as a mesh may have.</summary>
    TooManyGroups,

    /// <summary>The group has as many members as it may have.</summary>
    TooManyMembers,

    /// <summary>The user is in as many groups as one may be in.</summary>
    TooManyOfUser,
}
