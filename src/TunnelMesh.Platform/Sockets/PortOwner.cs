using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Finds who holds a port, for messages; other users' programs show only to root.</summary>
public static class PortOwner
{
    /// <summary>Name and number of the process, as <c>wireguard-go (process 812)</c>; null when the system does not tell.</summary>
    /// <param name="protocol">UDP, or TCP: then the listener.</param>
    /// <param name="port">The local port.</param>
    public static string? Find(ProtocolType protocol, int port) => OperatingSystem.IsLinux() ? LinuxPortOwner.Find(protocol, port) : null;
}
