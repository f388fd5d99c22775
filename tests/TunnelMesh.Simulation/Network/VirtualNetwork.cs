namespace TunnelMesh.Simulation.Network;

/// <summary>
/// Nodes that reach each other by address: the Internet, or a private network behind a NAT. A datagram takes its sender's
/// link up, the network, and its receiver's link down. What is for nobody here goes to the gateway, if there is one.
/// </summary>
internal sealed class VirtualNetwork(VirtualWorld world)
{
    private readonly Dictionary<NetAddress, (INetworkNode Node, Link Link)> _nodes = [];
    private readonly HashSet<(NetAddress From, NetAddress To)> _cuts = [];
    private readonly long[] _fates = new long[Enum.GetValues<Fate>().Length];
    private (INetworkNode Node, Link Link)? _gateway;

    public VirtualWorld World => world;

    /// <summary>Sees every datagram as it is sent, before anything can happen to it.</summary>
    public event Action<Datagram>? Sent;

    /// <summary>Drops what a test wants dropped: true for gone.</summary>
    public Func<Datagram, bool>? Censor { get; set; }

    /// <summary>How many datagrams had a fate; duplicates count as arrivals of their own.</summary>
    public long this[Fate fate] => _fates[(int)fate];

    /// <summary>Attaches a node under an address.</summary>
    public void Attach(NetAddress address, INetworkNode node, Link link) => _nodes.Add(address, (node, link));

    /// <summary>Takes an address off the network; what is on its way to it is lost.</summary>
    public void Detach(NetAddress address) => _nodes.Remove(address);

    /// <summary>True when a node has this address here.</summary>
    public bool Has(NetAddress address) => _nodes.ContainsKey(address);

    /// <summary>Makes a node the way out of this network.</summary>
    public void SetGateway(INetworkNode node, Link link) => _gateway = (node, link);

    /// <summary>Cuts the way from one address to another, in this direction alone.</summary>
    public void Cut(NetAddress from, NetAddress to) => _cuts.Add((from, to));

    /// <summary>Mends a cut.</summary>
    public void Mend(NetAddress from, NetAddress to) => _cuts.Remove((from, to));

    /// <summary>Cuts a group off from everybody else, both ways.</summary>
    public void Partition(IReadOnlyCollection<NetAddress> group)
    {
        foreach (NetAddress inside in group)
        {
            foreach (NetAddress outside in _nodes.Keys.Where(a => !group.Contains(a)))
            {
                Cut(inside, outside);
                Cut(outside, inside);
            }
        }
    }

    /// <summary>Mends everything.</summary>
    public void MendAll() => _cuts.Clear();

    /// <summary>Sends a datagram over the sender's link.</summary>
    public void Send(Datagram datagram, Link from)
    {
        Sent?.Invoke(datagram);
        if (Censor?.Invoke(datagram) == true)
        {
            Note(Fate.Cut);
            return;
        }

        from.Up.Pass(world, datagram, Note, () => Deliver(datagram));
    }

    /// <summary>Notes what became of a datagram.</summary>
    public void Note(Fate fate) => _fates[(int)fate]++;

    private void Deliver(Datagram datagram)
    {
        NetAddress to = NetAddress.Of(datagram.Destination);
        if (_cuts.Contains((NetAddress.Of(datagram.Source), to)))
        {
            Note(Fate.Cut);
        }
        else if (_nodes.TryGetValue(to, out (INetworkNode Node, Link Link) target))
        {
            target.Link.Down.Pass(world, datagram, Note, () =>
            {
                // The address may have gone, or to another node, while the datagram was on its way.
                if (_nodes.TryGetValue(to, out (INetworkNode Node, Link Link) still) && ReferenceEquals(still.Node, target.Node))
                {
                    still.Node.Receive(this, datagram);
                }
                else
                {
                    Note(Fate.NoSuchAddress);
                }
            });
        }
        else if (_gateway is { } gateway)
        {
            gateway.Link.Down.Pass(world, datagram, Note, () => gateway.Node.Receive(this, datagram));
        }
        else
        {
            Note(Fate.NoSuchAddress);
        }
    }
}
