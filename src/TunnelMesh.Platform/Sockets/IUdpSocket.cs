namespace TunnelMesh.Platform.Sockets;

/// <summary>One UDP port for IPv4 and IPv6. One thread receives while any number send; buffers belong to the caller and are free again on return.</summary>
public interface IUdpSocket : IDisposable
{
    /// <summary>The bound port.</summary>
    int Port { get; }

    /// <summary>False where the system has no IPv6; such destinations are then not reachable.</summary>
    bool HasIPv6 { get; }

    /// <summary>Takes what has arrived, without waiting.</summary>
    /// <param name="buffers">Room for the datagrams, one every <paramref name="stride"/> bytes; a longer datagram is cut, and fails its authentication.</param>
    /// <param name="stride">Bytes per datagram.</param>
    /// <param name="lengths">Receives the lengths; its length bounds the batch.</param>
    /// <param name="sources">Receives the senders; as long as <paramref name="lengths"/>.</param>
    /// <returns>How many datagrams; 0 when none is waiting.</returns>
    int Receive(Span<byte> buffers, int stride, Span<int> lengths, Span<UdpEndpoint> sources);

    /// <summary>Sends one datagram; waits for room in the send buffer.</summary>
    /// <param name="datagram">The payload.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when the system has no way to the destination or refused; the datagram is lost, and the caller counts it.</returns>
    bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination);
}
