using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>A TCP port could not be listened on; the message names the port, and its owner where known.</summary>
public sealed class TcpPortException : IOException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="error">The kind of failure.</param>
    /// <param name="port">The port that was asked for.</param>
    /// <param name="message">For the person at the terminal.</param>
    /// <param name="inner">What the system said.</param>
    public TcpPortException(SocketError error, int port, string message, Exception inner)
        : base(message, inner)
    {
        Error = error;
        Port = port;
    }

    /// <summary>The kind of failure, which decides the exit code.</summary>
    public SocketError Error { get; }

    /// <summary>The port that was asked for.</summary>
    public int Port { get; }
}
