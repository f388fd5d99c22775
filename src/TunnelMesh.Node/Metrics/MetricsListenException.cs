using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Metrics;

/// <summary>The metrics cannot be served where they should be.</summary>
public sealed class MetricsListenException : IOException
{
    /// <summary>With the endpoint and the system's reason.</summary>
    public MetricsListenException(IPEndPoint endpoint, SocketError error, Exception inner) : base(Explain(endpoint, error), inner)
    {
    }

    private static string Explain(IPEndPoint endpoint, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => $"metrics cannot be served on {endpoint}: another program has the port. Choose another one with metrics_port, or set metrics_enabled to false.",
        SocketError.AccessDenied => $"metrics may not be served on {endpoint}: ports below 1024 need root. Choose another one with metrics_port.",
        _ => $"metrics cannot be served on {endpoint} ({error}).",
    };
}
