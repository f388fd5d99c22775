using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Coordinator.Stun;

/// <summary>The STUN responder cannot listen where it should. Who holds the port is for the caller to find out.</summary>
public sealed class StunListenException : IOException
{
    /// <summary>With the endpoint and the system's reason.</summary>
    public StunListenException(IPEndPoint endpoint, SocketError error, Exception inner) : base(Explain(endpoint, error), inner)
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
        SocketError.AddressAlreadyInUse => $"UDP port {endpoint.Port} on {endpoint.Address} is in use by another program. Stop it, or set coordinator.stun_listen to another port or to off.",
        SocketError.AddressNotAvailable => $"{endpoint.Address} is not an address of this machine. Set coordinator.stun_listen to one that is, or leave the address out.",
        SocketError.AccessDenied => $"UDP port {endpoint.Port} on {endpoint.Address} may not be used by this user. Ports below 1024 need root; or set coordinator.stun_listen to a higher one.",
        _ => $"The STUN responder cannot listen on {endpoint} ({error}). Check coordinator.stun_listen.",
    };
}
