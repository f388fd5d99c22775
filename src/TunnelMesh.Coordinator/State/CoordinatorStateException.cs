namespace TunnelMesh.Coordinator.State;

/// <summary>The coordinator's state cannot be opened. The message names the file and what to do; the file is left as it was.</summary>
/// <param name="problem">Of which kind.</param>
/// <param name="message">For people.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class CoordinatorStateException(StateProblem problem, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Of which kind it is.</summary>
    public StateProblem Problem { get; } = problem;
}
