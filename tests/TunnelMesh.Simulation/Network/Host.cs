using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network;

/// <summary>A machine on a network: addresses, a link, clocks, and ports somebody listens on.</summary>
internal sealed class Host : INetworkNode
{
    private readonly VirtualNetwork _network;
    private readonly List<NetAddress> _addresses = [];
    private readonly Dictionary<ushort, Action<Datagram>> _ports = [];

    /// <summary>Attaches a machine to a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="addresses">Its addresses; the first of a family is what it sends from.</param>
    public Host(VirtualNetwork network, params IEnumerable<string> addresses)
    {
        _network = network;
        Clock = new HostClock(network.World, TimeSpan.FromMilliseconds(network.World.Chance.Next(1, 1 << 30)));
        foreach (string address in addresses)
        {
            AddAddress(NetAddress.Parse(address));
        }
    }

    public VirtualNetwork Network => _network;

    public Link Link { get; } = new();

    public HostClock Clock { get; }

    public IReadOnlyList<NetAddress> Addresses => _addresses;

    public void AddAddress(NetAddress address)
    {
        _network.Attach(address, this, Link);
        _addresses.Add(address);
    }

    /// <summary>Gives up an address for another, as a laptop does that changes networks.</summary>
    public void ChangeAddress(NetAddress before, NetAddress after)
    {
        int at = _addresses.IndexOf(before);
        _network.Detach(before);
        _network.Attach(after, this, Link);
        _addresses[at] = after;
    }

    /// <summary>Listens on a port.</summary>
    /// <param name="port">The port.</param>
    /// <param name="handler">Gets each datagram; it must not change the bytes.</param>
    public void Listen(ushort port, Action<Datagram> handler) => _ports[port] = handler;

    /// <summary>Closes a port.</summary>
    public void Close(ushort port) => _ports.Remove(port);

    /// <summary>Sends a datagram from the first address of the destination's family.</summary>
    /// <returns>False when this machine has no address of that family.</returns>
    public bool Send(ushort port, in UdpEndpoint destination, ReadOnlySpan<byte> bytes)
    {
        foreach (NetAddress address in _addresses)
        {
            if (address.IsIPv4 == destination.IsIPv4)
            {
                _network.Send(new Datagram(address.At(port), destination, bytes.ToArray()), Link);
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public void Receive(VirtualNetwork from, Datagram datagram)
    {
        if (_ports.TryGetValue(datagram.Destination.Port, out Action<Datagram>? handler))
        {
            from.Note(Fate.Arrived);
            handler(datagram);
        }
        else
        {
            from.Note(Fate.NoSuchPort);
        }
    }
}
