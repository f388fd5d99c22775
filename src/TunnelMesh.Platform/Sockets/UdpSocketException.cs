namespace TunnelMesh.Platform.Sockets;

/// <summary>A UDP socket could not be opened; the message names the port, and its owner where known.</summary>
public sealed class UdpSocketException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="error">The kind of failure.</param>
    /// <param name="port">The port that was asked for.</param>
    /// <param name="message">For the person at the terminal.</param>
    public UdpSocketException(UdpError error, int port, string message)
        : base(message)
    {
        Error = error;
        Port = port;
    }

    /// <summary>The kind of failure, which decides the exit code.</summary>
    public UdpError Error { get; }

    /// <summary>The port that was asked for.</summary>
    public int Port { get; }
}
