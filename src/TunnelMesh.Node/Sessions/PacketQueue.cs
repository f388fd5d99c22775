namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Packets of one peer that wait for a session: bounded by count and bytes, the oldest making room for the newest, since a
/// newer packet is likelier to be still wanted. Not thread-safe: its owner locks. Memory is taken while packets wait and given back when they are gone.
/// </summary>
internal sealed class PacketQueue
{
    private readonly Queue<byte[]> _packets = new();
    private readonly int _maxPackets;
    private readonly int _maxBytes;
    private int _bytes;

    public PacketQueue(int maxPackets, int maxBytes)
    {
        _maxPackets = maxPackets;
        _maxBytes = maxBytes;
    }

    public int Count => _packets.Count;

    public int Bytes => _bytes;

    /// <summary>Copies a packet in; returns how many were lost for it, itself included when it is larger than the whole queue.</summary>
    public int Enqueue(ReadOnlySpan<byte> packet)
    {
        if (packet.Length > _maxBytes || _maxPackets == 0)
        {
            return 1;
        }

        int lost = 0;
        while (_packets.Count >= _maxPackets || _bytes + packet.Length > _maxBytes)
        {
            _bytes -= _packets.Dequeue().Length;
            lost++;
        }

        _packets.Enqueue(packet.ToArray());
        _bytes += packet.Length;
        return lost;
    }

    /// <summary>Takes the oldest packet.</summary>
    public bool TryDequeue([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out byte[]? packet)
    {
        if (!_packets.TryDequeue(out packet))
        {
            return false;
        }

        _bytes -= packet.Length;
        return true;
    }
}
