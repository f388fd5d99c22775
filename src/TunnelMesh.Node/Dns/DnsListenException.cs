using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>The resolver cannot listen where it should.</summary>
public sealed class DnsListenException : IOException
{
    /// <summary>With the endpoint and the system's reason.</summary>
    public DnsListenException(IPEndPoint endpoint, SocketError error, Exception inner) : base(Explain(endpoint, error), inner)
    {
        Endpoint = endpoint;
        Error = error;
    }

    /// <summary>Where it should listen.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Why not.</summary>
    public SocketError Error { get; }

    private static string Explain(IPEndPoint endpoint, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => $"the DNS resolver cannot listen on {endpoint}: another program has the port.",
        SocketError.AddressNotAvailable => $"the DNS resolver cannot listen on {endpoint}: it is not an address of this machine.",
        SocketError.AccessDenied => $"the DNS resolver may not listen on {endpoint}: ports below 1024 need root.",
        _ => $"the DNS resolver cannot listen on {endpoint} ({error}).",
    };
}
