namespace TunnelMesh.Coordinator.State;

/// <summary>What a change of a group did.</summary>
/// <param name="Outcome">Whether it is stored.</param>
/// <param name="Groups">All groups after this change; empty when nothing changed.</param>
/// <param name="MapNumber">Number of the newest change of the map, this one included.</param>
public sealed record GroupResult(GroupOutcome Outcome, IReadOnlyList<GroupRow> Groups, long MapNumber);
