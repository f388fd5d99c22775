namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>Packets for all connections: memory goes where datagrams wait, and a quiet transport keeps little. Any thread.</summary>
/// <param name="keep">Unused packets that are kept at most.</param>
internal sealed class SendPacketPool(int keep)
{
    private readonly Lock _lock = new();
    private readonly Stack<SendPacket> _unused = new();

    /// <summary>An empty packet.</summary>
    public SendPacket Rent()
    {
        SendPacket? packet;
        lock (_lock)
        {
            _unused.TryPop(out packet);
        }
        packet ??= new SendPacket();
        packet.Clear();
        return packet;
    }

    /// <summary>Gives one back.</summary>
    public void Return(SendPacket packet)
    {
        lock (_lock)
        {
            if (_unused.Count < keep)
            {
                _unused.Push(packet);
            }
        }
    }
}
