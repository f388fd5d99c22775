using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>UDP sockets of this process that live in a machine's namespace.</summary>
internal static class NamespaceSocket
{
    /// <summary>A socket bound to <paramref name="address"/> inside the machine; port 0 is an ephemeral one.</summary>
    public static Socket Bind(NetworkNamespace machine, IPAddress address, int port = 0) => NamespaceThread.Run(machine, () =>
    {
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    });
}
