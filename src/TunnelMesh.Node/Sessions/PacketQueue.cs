using System.Diagnostics.CodeAnalysis;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Packets of one peer that wait for a session: bounded by count and bytes, the oldest making room for the newest, since a
/// newer packet is likelier to be still wanted. Not thread-safe. Memory is taken while packets wait and given back when they are gone.
/// </summary>
internal sealed class PacketQueue(int maxPackets, int maxBytes)
{
    private readonly Queue<(byte[] Packet, long At)> _packets = new();
    private int _bytes;

    public int Count => _packets.Count;

    public int Bytes => _bytes;

    /// <summary>Copies a packet in; returns how many were lost for it, itself included when it is larger than the whole queue.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="now">Timestamp, for <see cref="TryDequeueOlder"/>.</param>
    public int Enqueue(ReadOnlySpan<byte> packet, long now)
    {
        if (packet.Length > maxBytes || maxPackets == 0)
        {
            return 1;
        }

        int lost = 0;
        while (_packets.Count >= maxPackets || _bytes + packet.Length > maxBytes)
        {
            _bytes -= _packets.Dequeue().Packet.Length;
            lost++;
        }

        _packets.Enqueue((packet.ToArray(), now));
        _bytes += packet.Length;
        return lost;
    }

    /// <summary>Takes the oldest packet if it came before a timestamp.</summary>
    public bool TryDequeueOlder(long before, [NotNullWhen(true)] out byte[]? packet)
    {
        packet = null;
        if (!_packets.TryPeek(out (byte[] Packet, long At) oldest) || oldest.At >= before)
        {
            return false;
        }

        packet = _packets.Dequeue().Packet;
        _bytes -= packet.Length;
        return true;
    }
}
