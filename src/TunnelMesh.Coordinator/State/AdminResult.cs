namespace TunnelMesh.Coordinator.State;

/// <summary>What a new list of admins did.</summary>
/// <param name="Admins">All entries after this change.</param>
/// <param name="Changed">True when somebody became an admin or is none any more, under <paramref name="MapNumber"/>.</param>
/// <param name="MapNumber">Number of the newest change of the map.</param>
public sealed record AdminResult(IReadOnlyList<AdminRow> Admins, bool Changed, long MapNumber);
