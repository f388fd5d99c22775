using System.Net.Sockets;
using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>
/// Tells the service manager how this process is (sd_notify(3)): one datagram a message, to the socket that NOTIFY_SOCKET names. What cannot be
/// told is lost, as sd_notify leaves it: a peer does not stop because nobody listens. Any thread.
/// </summary>
public sealed class NotifySocket : IServiceReports
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint _manager;

    private NotifySocket(UnixDomainSocketEndPoint manager)
    {
        _manager = manager;
        // A manager that does not read must not hold up whoever tells.
        _socket.Blocking = false;
    }

    /// <summary>Opens it.</summary>
    /// <param name="path">Value of NOTIFY_SOCKET: an absolute path, or <c>@</c> and a name in the abstract namespace (unix(7)).</param>
    /// <returns>Null when nobody wants to be told: no value, or one that is no socket of this kind.</returns>
    public static NotifySocket? Open(string? path)
    {
        if (path is not ['/' or '@', _, ..])
        {
            return null;
        }

        try
        {
            return new NotifySocket(new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (Exception e) when (e is ArgumentException or PlatformNotSupportedException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Tells.</summary>
    /// <param name="message">Lines of NAME=value.</param>
    /// <returns>False when it could not be told.</returns>
    public bool Tell(string message)
    {
        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes(message);
            return _socket.SendTo(bytes, _manager) == bytes.Length;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={status}");

    /// <inheritdoc/>
    public void Stopping() => Tell("STOPPING=1\nSTATUS=Stopping");

    /// <inheritdoc/>
    public void Alive() => Tell("WATCHDOG=1");

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
