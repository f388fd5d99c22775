using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>How a system is told by which interface a socket sends, whatever its routes say.</summary>
internal interface IInterfaceOption
{
    /// <summary>Indexes of the interfaces by which the internet is reached without the mesh; 0 for a family that has no way there.</summary>
    /// <exception cref="IOException">The system does not tell.</exception>
    (int V4, int V6) ReadWays();

    /// <summary>The options that keep a socket on an interface. Pure.</summary>
    /// <param name="family">The socket's.</param>
    /// <param name="dual">True for a socket of IPv6 that carries IPv4, too.</param>
    /// <param name="v4">Index of the interface for IPv4.</param>
    /// <param name="v6">The same for IPv6.</param>
    IReadOnlyList<SocketOptionValue> For(AddressFamily family, bool dual, int v4, int v6);
}
