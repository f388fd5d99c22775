namespace TunnelMesh.Coordinator.State;

/// <summary>What leaving or revoking took out of the map.</summary>
/// <param name="DeviceIds">Devices that were members and are no more; empty if there were none.</param>
/// <param name="MapNumber">Number of the newest change of the map; unchanged when no device went.</param>
public sealed record RemovalResult(IReadOnlyList<string> DeviceIds, long MapNumber);
