namespace TunnelMesh.Platform.Tun;

/// <summary>A TUN device could not be made; the message says what happened and what to do next.</summary>
public sealed class TunException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="error">The kind of failure.</param>
    /// <param name="message">For the person at the terminal.</param>
    public TunException(TunError error, string message)
        : base(message) => Error = error;

    /// <summary>The kind of failure, which decides the exit code.</summary>
    public TunError Error { get; }
}
