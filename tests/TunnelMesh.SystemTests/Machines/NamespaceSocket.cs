using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>UDP sockets of this process that live in a machine's namespace.</summary>
internal static class NamespaceSocket
{
    /// <summary>A socket bound to an ephemeral port of <paramref name="address"/> inside the machine.</summary>
    public static Socket Bind(NetworkNamespace machine, IPAddress address) => NamespaceThread.Run(machine, () =>
    {
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    });
}
