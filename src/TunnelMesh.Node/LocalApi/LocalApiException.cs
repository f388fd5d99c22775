namespace TunnelMesh.Node.LocalApi;

/// <summary>A refusal over the control socket.</summary>
/// <param name="code">One of <see cref="LocalErrorCodes"/>.</param>
/// <param name="message">For people.</param>
public sealed class LocalApiException(string code, string message) : Exception(message)
{
    /// <summary>One of <see cref="LocalErrorCodes"/>.</summary>
    public string Code { get; } = code;
}
