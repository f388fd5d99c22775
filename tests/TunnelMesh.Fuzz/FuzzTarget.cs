namespace TunnelMesh.Fuzz;

/// <summary>A parser of outside bytes: good inputs to mutate, and a run that throws when something is wrong.</summary>
/// <param name="Name">Stable name for the command line.</param>
/// <param name="Seeds">Well-formed inputs; mutation starts from them.</param>
/// <param name="Run">
/// Feeds one input and checks independently what came out; any exception that leaves it is a finding.
/// It must be deterministic and may be called from one thread at a time.
/// </param>
public sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, Action<ReadOnlyMemory<byte>> Run);
