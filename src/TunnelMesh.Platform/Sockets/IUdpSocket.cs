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
    /// <exception cref="InvalidOperationException">The socket was opened with <see cref="UdpOffloads.ReceiveCoalescing"/>.</exception>
    int Receive(Span<byte> buffers, int stride, Span<int> lengths, Span<UdpEndpoint> sources);

    /// <summary>Sends one datagram; waits for room in the send buffer.</summary>
    /// <param name="datagram">The payload.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when the system has no way to the destination or refused; the datagram is lost, and the caller counts it.</returns>
    bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination);

    /// <summary>The offloads in use; fixed when the socket was opened.</summary>
    UdpOffloads Offloads => UdpOffloads.None;

    /// <summary>How often the system refused a train of datagrams, which then went one by one.</summary>
    long SegmentationFallbacks => 0;

    /// <summary>
    /// Sends datagrams of equal size to one destination with as few calls as the system allows, and one by one where it or the
    /// path allows no trains; a destination that refused is not asked again for a minute. Waits for room in the send buffer.
    /// </summary>
    /// <param name="datagrams">The payloads, one behind the other; the last may be shorter.</param>
    /// <param name="segmentSize">Bytes of each payload but the last, at least 1.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>How many datagrams were refused, as by <see cref="Send"/>; the others were sent nevertheless.</returns>
    int SendSegments(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentSize, 1);
        int refused = 0;
        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
        {
            refused += Send(datagrams[..Math.Min(segmentSize, datagrams.Length)], destination) ? 0 : 1;
        }

        return refused;
    }

    /// <summary>Takes one datagram, or a train of one sender's, without waiting. Datagrams without content are passed over.</summary>
    /// <param name="buffer">65,535 bytes; what is longer is cut, and fails its authentication.</param>
    /// <param name="segmentSize">Bytes of each datagram; the last may be shorter.</param>
    /// <param name="source">The sender.</param>
    /// <returns>Bytes received; 0 when nothing is waiting.</returns>
    int ReceiveSegments(Span<byte> buffer, out int segmentSize, out UdpEndpoint source)
    {
        Span<int> length = stackalloc int[1];
        Span<UdpEndpoint> sender = stackalloc UdpEndpoint[1];
        while (Receive(buffer, buffer.Length, length, sender) > 0)
        {
            if (length[0] > 0)
            {
                (segmentSize, source) = (length[0], sender[0]);
                return length[0];
            }
        }

        (segmentSize, source) = (0, default);
        return 0;
    }
}
