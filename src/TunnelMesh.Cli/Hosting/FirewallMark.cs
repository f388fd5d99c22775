using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The configured mark on every socket of this program that sends to the network; the tunnel's own sockets take it by their options.</summary>
internal static class FirewallMark
{
    /// <summary>What marks a socket; null when none is configured.</summary>
    /// <param name="mark">As configured; 0 for none.</param>
    /// <exception cref="HostException">This system or this user cannot mark packets.</exception>
    public static Action<Socket>? For(uint mark)
    {
        if (mark == 0)
        {
            return null;
        }
        if (!SocketMark.IsSupported)
        {
            throw new HostException(ExitCode.Configuration, "fwmark is set, but only Linux marks packets. Leave it out of the configuration of this machine.");
        }
        Action<Socket> set = socket => SocketMark.Set(socket, mark);
        try
        {
            // Tried here, since later a refusal would look like trouble with one connection.
            using Socket trial = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            set(trial);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new HostException(ExitCode.Permission, "fwmark is set, but this process may not mark packets. Run it as root (sudo), or with the capability CAP_NET_ADMIN.", e);
        }
        return set;
    }
}
