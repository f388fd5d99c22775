using System.Buffers.Binary;
using System.Net.Sockets;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// IP_UNICAST_IF and IPV6_UNICAST_IF (ws2ipdef.h): the index of an interface, of IPv4 in network byte order, of IPv6 in the machine's. A socket of both families takes both.
/// </summary>
internal sealed class WindowsInterfaceOption : IInterfaceOption
{
    public const int Ip = 0, IPv6 = 41, UnicastIf = 31;

    public (int V4, int V6) ReadWays() => WindowsRoutes.ReadDefaults(IpHelper.GetRoutes(), new IpHelper());

    public IReadOnlyList<SocketOptionValue> For(AddressFamily family, bool dual, int v4, int v6)
    {
        byte[] first = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(first, v4);
        SocketOptionValue ofV4 = new(Ip, UnicastIf, first), ofV6 = new(IPv6, UnicastIf, BitConverter.GetBytes(v6));
        return family == AddressFamily.InterNetwork ? [ofV4] : dual ? [ofV6, ofV4] : [ofV6];
    }
}
