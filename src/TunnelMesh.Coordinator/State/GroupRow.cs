namespace TunnelMesh.Coordinator.State;

/// <summary>A group as stored; built-in groups are not.</summary>
/// <param name="Name">Its name, a lower-case DNS label.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Members">Who is in it, by user ID; also users who have no device in the mesh now.</param>
public sealed record GroupRow(string Name, long Created, IReadOnlyList<GroupMember> Members);
