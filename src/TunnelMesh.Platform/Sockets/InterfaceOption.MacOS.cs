using System.Net.Sockets;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Sockets;

/// <summary>IP_BOUND_IF and IPV6_BOUND_IF (netinet/in.h, netinet6/in6.h): the index of an interface, in the machine's byte order.</summary>
internal sealed class MacOSInterfaceOption : IInterfaceOption
{
    public const int Ip = 0, IpBoundIf = 25, IPv6 = 41, IPv6BoundIf = 125;

    public (int V4, int V6) ReadWays()
    {
        byte[] table = MacOSRoutes.ReadTable(out int length);
        return RouteMessage.ReadDefaults(table.AsSpan(0, length));
    }

    public IReadOnlyList<SocketOptionValue> For(AddressFamily family, bool dual, int v4, int v6) => family == AddressFamily.InterNetwork
        ? [new SocketOptionValue(Ip, IpBoundIf, BitConverter.GetBytes(v4))]
        // A socket has one interface for both families; that of IPv4 is the one by which most peers are reached.
        : [new SocketOptionValue(IPv6, IPv6BoundIf, BitConverter.GetBytes(dual ? v4 : v6))];
}
