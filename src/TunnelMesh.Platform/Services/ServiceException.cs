namespace TunnelMesh.Platform.Services;

/// <summary>A service cannot be described or managed; the message says what happened to what, and what to do.</summary>
/// <param name="message">For people.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class ServiceException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Of which kind it is, for programs.</summary>
    public ServiceProblem Problem { get; init; }
}
