using TunnelMesh.Coordinator.State;

namespace TunnelMesh.Coordinator.Access;

/// <summary>What <see cref="TokenSetup"/> has done.</summary>
/// <param name="File">The file whose token admits devices, made now or by a start that was cut short: to be named to the user, never its content. Null when there was no need for one.</param>
/// <param name="Given">The tokens that were given, as the state has them: one that was revoked or has ended before stays so.</param>
public sealed record TokenSetupResult(string? File, IReadOnlyList<TokenRow> Given);
