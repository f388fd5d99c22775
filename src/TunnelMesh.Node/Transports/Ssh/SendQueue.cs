using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>
/// Datagrams that wait for one connection: any thread puts, one takes. They are copied once, to where they will be sealed; those that come while others wait
/// fill the same packet. Bounded: the oldest packet makes room.
/// </summary>
/// <param name="pool">Where packets come from and return to.</param>
/// <param name="capacity">Packets at most.</param>
/// <param name="counters">Counts what was dropped.</param>
internal sealed class SendQueue(SendPacketPool pool, int capacity, SshCounters counters)
{
    private readonly Lock _lock = new();
    private readonly Queue<SendPacket> _packets = new(capacity);
    private SendPacket? _last;
    private bool _closed;

    /// <summary>True when nothing waits. Any thread.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _packets.Count == 0;
            }
        }
    }

    /// <summary>Copies datagrams; false when the queue is closed.</summary>
    /// <param name="datagrams">1 to 65,535 bytes.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    public bool TryPut(ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }
            if (_last is null || !_last.TryAppend(datagrams, segmentSize))
            {
                SendPacket packet = _packets.Count < capacity ? pool.Rent() : DropOldest();
                packet.TryAppend(datagrams, segmentSize);
                _packets.Enqueue(packet);
                _last = packet;
            }
            return true;
        }
    }

    /// <summary>Takes the oldest packet if the connection lets it out now; it is the caller's then, to return to the pool.</summary>
    /// <param name="connection">Whose window and key exchange decide.</param>
    public SendPacket? TryTake(SshConnection connection)
    {
        lock (_lock)
        {
            while (_packets.TryPeek(out SendPacket? packet))
            {
                bool fits = connection.Fits(packet.Length);
                if (fits && !connection.TryReserve(packet.Length))
                {
                    return null;
                }
                Remove();
                if (fits)
                {
                    return packet;
                }
                // Another server's channel may take less at a time than a packet holds.
                counters.CountDroppedWaiting(packet.Datagrams);
                pool.Return(packet);
            }
            return null;
        }
    }

    /// <summary>Takes nothing more; what waits still goes out.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _closed = true;
        }
    }

    /// <summary>Takes nothing more, and drops what waits.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            while (_packets.Count > 0)
            {
                pool.Return(DropOldest());
            }
        }
    }

    private SendPacket DropOldest()
    {
        SendPacket packet = Remove();
        counters.CountDroppedWaiting(packet.Datagrams);
        packet.Clear();
        return packet;
    }

    private SendPacket Remove()
    {
        SendPacket packet = _packets.Dequeue();
        if (packet == _last)
        {
            _last = null;
        }
        return packet;
    }
}
