using TunnelMesh.Simulation.Network;

namespace TunnelMesh.Simulation.Peers;

/// <summary>Carries datagrams between devices with a stream each, in order, without loss, and later than the direct way.</summary>
/// <param name="world">Whose time it takes.</param>
/// <param name="latency">From one device to the other.</param>
internal sealed class SimulatedRelay(VirtualWorld world, TimeSpan latency)
{
    private readonly Dictionary<UInt128, SimulatedPeer> _connected = [];

    /// <summary>Datagrams carried.</summary>
    public int Carried { get; private set; }

    /// <summary>Sees who sends a datagram to which device.</summary>
    public event Action<SimulatedPeer, UInt128>? Sent;

    /// <summary>A device's stream stands: it and the others hear of it.</summary>
    public void Connect(SimulatedPeer peer)
    {
        UInt128 id = (UInt128)peer.Number;
        peer.Relay = this;
        foreach ((UInt128 other, SimulatedPeer at) in _connected)
        {
            at.NoteRelay(id, open: true);
            peer.NoteRelay(other, open: true);
        }

        _connected[id] = peer;
    }

    /// <summary>A device's stream ends.</summary>
    public void Disconnect(SimulatedPeer peer)
    {
        UInt128 id = (UInt128)peer.Number;
        _connected.Remove(id);
        peer.Relay = null;
        foreach ((UInt128 other, SimulatedPeer at) in _connected)
        {
            at.NoteRelay(id, open: false);
            peer.NoteRelay(other, open: false);
        }
    }

    public bool IsOpen(SimulatedPeer from, UInt128 to) => _connected.ContainsKey((UInt128)from.Number) && _connected.ContainsKey(to);

    public bool Send(SimulatedPeer from, UInt128 to, ReadOnlySpan<byte> datagram)
    {
        if (!IsOpen(from, to))
        {
            return false;
        }

        Sent?.Invoke(from, to);
        byte[] copy = datagram.ToArray();
        UInt128 source = (UInt128)from.Number;
        world.After(latency, () =>
        {
            if (_connected.TryGetValue(to, out SimulatedPeer? target))
            {
                Carried++;
                target.Deliver(source, copy);
            }
        });
        return true;
    }
}
