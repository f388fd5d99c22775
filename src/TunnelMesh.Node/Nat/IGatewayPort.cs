using System.Net;

namespace TunnelMesh.Node.Nat;

/// <summary>A UDP socket connected to one port of the gateway: nobody else is heard. One task at a time.</summary>
internal interface IGatewayPort : IDisposable
{
    /// <summary>Our address towards the gateway.</summary>
    IPAddress Local { get; }

    /// <summary>Sends a datagram.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">It cannot be sent.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancel);

    /// <summary>Waits for the next datagram; it is valid until the next call.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">For example, nothing listens there.</exception>
    ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancel);
}
