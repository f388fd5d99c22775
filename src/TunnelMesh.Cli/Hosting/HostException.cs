namespace TunnelMesh.Cli.Hosting;

/// <summary>A start or a command that ends with an exit code of its own choice; the message is for people.</summary>
/// <param name="code">Exit code.</param>
/// <param name="message">What happened, to what, what to do next.</param>
/// <param name="inner">The cause, if there is one.</param>
internal sealed class HostException(ExitCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Exit code.</summary>
    public ExitCode Code { get; } = code;
}
