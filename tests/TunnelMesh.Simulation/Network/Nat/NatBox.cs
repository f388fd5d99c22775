using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>
/// A router with address and port translation for UDP between an inner network, whose way out it becomes, and an outer one, where it
/// has one address. The outer network may itself be inner to another such box, as at carriers. What it does to a
/// datagram happens at the moment it comes in; <see cref="Inside"/> and <see cref="Outside"/> are its links.
/// </summary>
internal sealed class NatBox : INetworkNode
{
    private readonly VirtualNetwork _inner, _outer;
    private readonly NatOptions _options;
    private readonly Dictionary<(UdpEndpoint Inner, UdpEndpoint Scope), NatMapping> _byInner = [];
    private readonly Dictionary<ushort, NatMapping> _byPort = [];
    private ushort _next;

    /// <summary>Attaches a NAT to both networks.</summary>
    /// <param name="inner">The network that gets a way out; one with a gateway already gets this one instead.</param>
    /// <param name="outer">The network it leads to.</param>
    /// <param name="address">The NAT's address there; datagrams of the other family are dropped.</param>
    /// <param name="options">How it behaves.</param>
    public NatBox(VirtualNetwork inner, VirtualNetwork outer, string address, NatOptions options)
    {
        if (ReferenceEquals(inner, outer) || options.FirstPort == 0 || options.FirstPort > options.LastPort)
        {
            throw new ArgumentException("A NAT stands between two networks and has at least one port, and not port 0.", nameof(options));
        }

        (_inner, _outer, _options, _next) = (inner, outer, options, options.FirstPort);
        Address = NetAddress.Parse(address);
        outer.Attach(Address, this, Outside);
        inner.SetGateway(this, Inside);
    }

    /// <summary>Its link on the inner network.</summary>
    public Link Inside { get; } = new();

    /// <summary>Its link on the outer network.</summary>
    public Link Outside { get; } = new();

    /// <summary>Its address on the outer network.</summary>
    public NetAddress Address { get; private set; }

    /// <summary>The outer ports of the mappings that live.</summary>
    public IReadOnlyList<ushort> OuterPorts => [.. _byPort.Values.Where(m => m.IsAlive(Now)).Select(m => m.Port)];

    private TimeSpan Now => _inner.World.Now;

    /// <summary>Forgets every mapping, as a router does that is switched off and on.</summary>
    public void Reboot()
    {
        _byInner.Clear();
        _byPort.Clear();
    }

    /// <summary>Gets another outer address, as on a new dial-in: mappings end.</summary>
    public void ChangeAddress(NetAddress after)
    {
        _outer.Detach(Address);
        _outer.Attach(after, this, Outside);
        Address = after;
        Reboot();
    }

    /// <inheritdoc/>
    public void Receive(VirtualNetwork from, Datagram datagram)
    {
        if (ReferenceEquals(from, _outer))
        {
            Inward(datagram, from);
        }
        else
        {
            Outward(datagram);
        }
    }

    private void Outward(Datagram datagram)
    {
        // What this box sent in and nobody took comes back to it as the gateway: its source is not from inside.
        if (!_inner.Has(NetAddress.Of(datagram.Source)))
        {
            _inner.Note(Fate.NoSuchAddress);
            return;
        }

        bool hairpin = NetAddress.Of(datagram.Destination) == Address;
        if (hairpin && !_options.Hairpin)
        {
            _inner.Note(Fate.NoHairpin);
            return;
        }

        if (datagram.Source.IsIPv4 != Address.IsIPv4 || Map(datagram.Source, datagram.Destination) is not { } mapping)
        {
            _inner.Note(Fate.NoMapping);
            return;
        }

        mapping.Use(datagram.Destination, Now);
        Datagram translated = datagram with { Source = Address.At(mapping.Port) };
        if (hairpin)
        {
            // The receiver sees the outer endpoint, and may answer to it (RFC 4787, REQ-9).
            Inward(translated, _inner);
        }
        else
        {
            _outer.Send(translated, Outside);
        }
    }

    private void Inward(Datagram datagram, VirtualNetwork from)
    {
        if (Find(datagram.Destination.Port) is not { } mapping)
        {
            from.Note(Fate.NoMapping);
        }
        else if (!mapping.Admits(datagram.Source, Now))
        {
            from.Note(Fate.Filtered);
        }
        else
        {
            if (_options.InboundRefresh)
            {
                mapping.Use(datagram.Source, Now);
            }

            _inner.Send(datagram with { Destination = mapping.Inner }, Inside);
        }
    }

    private NatMapping? Map(UdpEndpoint inner, UdpEndpoint remote)
    {
        UdpEndpoint scope = NatMapping.ScopeOf(_options.Mapping, remote);
        if (_byInner.TryGetValue((inner, scope), out NatMapping? known))
        {
            if (known.IsAlive(Now))
            {
                return known;
            }

            Forget(known);
        }

        if (Allocate(inner.Port) is not { } port)
        {
            return null;
        }

        var mapping = new NatMapping(inner, scope, port, _options);
        _byInner.Add((inner, scope), mapping);
        _byPort.Add(port, mapping);
        return mapping;
    }

    private NatMapping? Find(ushort port)
    {
        if (!_byPort.TryGetValue(port, out NatMapping? mapping))
        {
            return null;
        }

        if (mapping.IsAlive(Now))
        {
            return mapping;
        }

        Forget(mapping);
        return null;
    }

    private void Forget(NatMapping mapping)
    {
        _byPort.Remove(mapping.Port);
        _byInner.Remove((mapping.Inner, mapping.Scope));
    }

    private ushort? Allocate(ushort wanted)
    {
        int count = _options.LastPort - _options.FirstPort + 1;
        if (_options.Ports == NatPorts.Preserved && wanted >= _options.FirstPort && wanted <= _options.LastPort && Find(wanted) is null)
        {
            return wanted;
        }

        int start = _options.Ports == NatPorts.Sequential ? _next - _options.FirstPort : _inner.World.Chance.Next(count);
        for (int i = 0; i < count; i++)
        {
            int offset = (start + i) % count;
            ushort port = (ushort)(_options.FirstPort + offset);
            if (Find(port) is null)
            {
                _next = (ushort)(_options.FirstPort + ((offset + 1) % count));
                return port;
            }
        }

        return null;
    }
}
