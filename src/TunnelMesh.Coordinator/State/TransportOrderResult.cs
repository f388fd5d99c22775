namespace TunnelMesh.Coordinator.State;

/// <summary>What setting an order of transports did.</summary>
/// <param name="Outcome">Whether it is stored.</param>
/// <param name="DeviceId">Under which device: of a pair, the one with the smaller ID.</param>
/// <param name="Orders">All orders under that device, after this change.</param>
/// <param name="MapNumber">Number of the newest change of the map, this one included.</param>
public sealed record TransportOrderResult(TransportOrderOutcome Outcome, string DeviceId, IReadOnlyList<TransportOrderRow> Orders, long MapNumber);
