namespace TunnelMesh.Coordinator.State;

/// <summary>An order of transports as stored.</summary>
/// <param name="DeviceId">The device, or the one of the pair with the smaller ID.</param>
/// <param name="OtherId">The other one of the pair; null when the order holds towards all devices.</param>
/// <param name="Transports">The preferred first.</param>
/// <param name="Number">The map's number at which it was set.</param>
public sealed record TransportOrderRow(string DeviceId, string? OtherId, IReadOnlyList<string> Transports, long Number);
