namespace TunnelMesh.Platform.Exit;

/// <summary>The system could not be set up for exit traffic; whatever was begun has been undone. The message says what happened to what.</summary>
/// <param name="message">For people.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class ExitException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when a setting of the kernel could not be changed, as in a service that was installed before exit traffic was configured.</summary>
    public bool OfSetting { get; init; }
}
