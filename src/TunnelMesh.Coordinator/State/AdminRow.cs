namespace TunnelMesh.Coordinator.State;

/// <summary>One of those whom the configuration calls admins.</summary>
/// <param name="Entry">As it stands there: a peer ID, a name of a device, or a pattern of names; lower case.</param>
/// <param name="Users">Whom it stands for, by user ID; revoked users are left out. Of a peer ID one at most.</param>
public sealed record AdminRow(string Entry, IReadOnlyList<GroupMember> Users);
