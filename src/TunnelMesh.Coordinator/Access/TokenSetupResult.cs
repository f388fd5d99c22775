namespace TunnelMesh.Coordinator.Access;

/// <summary>What <see cref="TokenSetup"/> has done.</summary>
/// <param name="File">The file whose token admits devices, made now or by a start that was cut short: to be named to the user, never its content. Null when there was no need for one.</param>
/// <param name="Withdrawn">IDs of tokens that were given but had been withdrawn before; they stay withdrawn.</param>
/// <param name="Given">IDs of the tokens that were given, those withdrawn among them.</param>
public sealed record TokenSetupResult(string? File, IReadOnlyList<long> Withdrawn, IReadOnlyList<long> Given);
