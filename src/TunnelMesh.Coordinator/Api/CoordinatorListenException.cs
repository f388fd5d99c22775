using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Coordinator.Api;

/// <summary>The coordinator cannot listen where it should. Who holds the port is for the caller to find out.</summary>
public sealed class CoordinatorListenException : IOException
{
    /// <summary>With the endpoint and the system's reason.</summary>
    public CoordinatorListenException(IPEndPoint endpoint, SocketError error, Exception inner) : base(Explain(endpoint, error), inner)
    {
        Endpoint = endpoint;
        Error = error;
    }

    /// <summary>Where it should listen.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Why not, for example <see cref="SocketError.AddressAlreadyInUse"/>.</summary>
    public SocketError Error { get; }

    private static string Explain(IPEndPoint endpoint, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => $"TCP port {endpoint.Port} on {endpoint.Address} is in use by another program. Stop it, or set coordinator.listen to another port.",
        SocketError.AddressNotAvailable => $"{endpoint.Address} is not an address of this machine. Set coordinator.listen to one that is, or leave the address out.",
        SocketError.AccessDenied => $"TCP port {endpoint.Port} on {endpoint.Address} may not be used by this user. Ports below 1024 need root; or set coordinator.listen to a higher one.",
        _ => $"The coordinator cannot listen on {endpoint} ({error}). Check coordinator.listen.",
    };
}
