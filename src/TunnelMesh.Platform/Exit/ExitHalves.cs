using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Exit;

/// <summary>Routes for everything, each more exact than the system's own, which stays for the mesh's sockets.</summary>
internal static class ExitHalves
{
    /// <summary>Both halves of both families.</summary>
    public static readonly IReadOnlyList<IPNetwork> All = [.. "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1".Split(' ').Select(p => IPNetwork.Parse(p))];

    /// <summary>True for one of IPv6.</summary>
    public static bool IsV6(IPNetwork half) => half.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>What a person is told when another program has such routes.</summary>
    public static ExitException Taken(IPNetwork half, string name) =>
        new($"another program leads the traffic of this machine into the interface {name} already (the route {half}), a VPN perhaps, or another peer. Stop that one, then start the peer again.");
}
