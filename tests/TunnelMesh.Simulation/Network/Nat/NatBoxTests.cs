using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network.Nat;

public sealed class NatBoxTests
{
    private const ushort Port = 2223;
    private readonly VirtualWorld _world = new(1);
    private readonly VirtualNetwork _internet;
    private readonly Host _server, _other;
    private readonly List<UdpEndpoint> _seen = [], _seenByOther = [];

    public NatBoxTests()
    {
        _internet = new VirtualNetwork(_world);
        _server = new Host(_internet, "192.0.2.1", "2001:db8::1");
        _other = new Host(_internet, "192.0.2.2");
        foreach (ushort port in new ushort[] { 3478, 3479 })
        {
            _server.Listen(port, d => _seen.Add(d.Source));
            _other.Listen(port, d => _seenByOther.Add(d.Source));
        }
    }

    [Theory]
    [InlineData(NatBehaviour.EndpointIndependent, 1)]
    [InlineData(NatBehaviour.AddressDependent, 2)]
    [InlineData(NatBehaviour.AddressAndPortDependent, 3)]
    internal void Mapping_depends_on_what_it_says(NatBehaviour mapping, int ports)
    {
        Home home = Make("203.0.113.1", new NatOptions { Mapping = mapping, Ports = NatPorts.Random });
        home.Send(_server, 3478);
        home.Send(_server, 3479);
        home.Send(_other, 3478);
        home.Send(_server, 3478);
        Pass();
        Assert.Equal(3, _seen.Count);
        Assert.Single(_seenByOther);
        UdpEndpoint[] all = [.. _seen, .. _seenByOther];
        Assert.All(all, e => Assert.Equal(home.Nat.Address, NetAddress.Of(e)));
        Assert.Equal(ports, all.Distinct().Count());
        Assert.Equal(ports, home.Nat.OuterPorts.Count);
    }

    [Theory]
    [InlineData(NatBehaviour.EndpointIndependent, true, true, true)]
    [InlineData(NatBehaviour.AddressDependent, true, true, false)]
    [InlineData(NatBehaviour.AddressAndPortDependent, true, false, false)]
    internal void Filtering_lets_in_what_it_says(NatBehaviour filtering, bool same, bool otherPort, bool otherAddress)
    {
        Home home = Make("203.0.113.1", new NatOptions { Filtering = filtering });
        home.Send(_server, 3478);
        Pass();
        Assert.Equal(same, home.Gets(_server, 3478, _seen[0]));
        Assert.Equal(otherPort, home.Gets(_server, 3479, _seen[0]));
        Assert.Equal(otherAddress, home.Gets(_other, 3478, _seen[0]));
        Assert.Equal(new[] { same, otherPort, otherAddress }.Count(let => !let), _internet[Fate.Filtered]);
    }

    [Fact]
    public void Nobody_gets_in_where_nothing_went_out()
    {
        Home home = Make("203.0.113.1", new NatOptions { Filtering = NatBehaviour.EndpointIndependent });
        Assert.False(home.Gets(_server, 3478, home.Nat.Address.At(Port)));
        Assert.Equal(1, _internet[Fate.NoMapping]);
    }

    [Fact]
    public void An_answer_shows_the_inner_host_whom_it_wrote_to_and_reaches_its_own_port()
    {
        Home home = Make("203.0.113.1", new NatOptions());
        home.Send(_server, 3478);
        Pass();
        Assert.True(home.Gets(_server, 3478, _seen[0]));
        Datagram answer = Assert.Single(home.Got);
        Assert.Equal(_server.Addresses[0].At(3478), answer.Source);
        Assert.Equal(home.Host.Addresses[0].At(Port), answer.Destination);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mapping_ends_after_its_time_without_use_and_only_use_that_counts_keeps_it(bool inboundRefresh)
    {
        Home home = Make("203.0.113.1", new NatOptions { Timeout = TimeSpan.FromSeconds(30), InboundRefresh = inboundRefresh });
        home.Send(_server, 3478);
        Pass();
        _world.Run(TimeSpan.FromSeconds(20));
        Assert.True(home.Gets(_server, 3478, _seen[0]));
        _world.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(inboundRefresh, home.Gets(_server, 3478, _seen[0]));
        home.Send(_server, 3478);
        Pass();
        _world.Run(TimeSpan.FromSeconds(20));
        home.Send(_server, 3478);
        Pass();
        _world.Run(TimeSpan.FromSeconds(20));
        Assert.True(home.Gets(_server, 3478, _seen[^1]));
        _world.Run(TimeSpan.FromSeconds(31));
        Assert.False(home.Gets(_server, 3478, _seen[^1]));
        Assert.Empty(home.Nat.OuterPorts);
    }

    [Fact]
    public void Ports_are_preserved_when_free_and_in_sequence_when_asked()
    {
        Home home = Make("203.0.113.1", new NatOptions(), hosts: 2);
        home.Send(_server, 3478);
        home.Hosts[1].Send(Port, _server.Addresses[0].At(3478), [1]);
        Pass();
        Assert.Equal(Port, _seen[0].Port);
        Assert.NotEqual(Port, _seen[1].Port);

        _seen.Clear();
        home = Make("203.0.113.2", new NatOptions { Mapping = NatBehaviour.AddressAndPortDependent, Ports = NatPorts.Sequential, FirstPort = 5000, LastPort = 5001 });
        home.Send(_server, 3478);
        home.Send(_server, 3479);
        home.Send(_other, 3478);
        Pass();
        Assert.Equal(new ushort[] { 5000, 5001 }, _seen.Select(e => e.Port));
        Assert.Empty(_seenByOther);
        _world.Run(TimeSpan.FromMinutes(2));
        home.Send(_other, 3478);
        Pass();
        Assert.Single(_seenByOther);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Neighbours_reach_each_other_by_outer_endpoints_only_with_hairpinning(bool hairpin)
    {
        Home home = Make("203.0.113.1", new NatOptions { Hairpin = hairpin, Filtering = NatBehaviour.EndpointIndependent }, hosts: 2);
        home.Send(_server, 3478);
        Pass();
        List<Datagram> got = [];
        home.Hosts[1].Listen(4000, got.Add);
        home.Hosts[1].Send(4000, _seen[0], [7]);
        Pass();
        Assert.Equal(hairpin ? 1 : 0, home.Got.Count);
        Assert.Equal(hairpin ? 0 : 1, home.Network[Fate.NoHairpin]);
        if (hairpin)
        {
            Assert.Equal(home.Nat.Address.At(4000), home.Got[0].Source);
            home.Host.Send(Port, home.Got[0].Source, [8]);
            Pass();
            Assert.Equal(_seen[0], Assert.Single(got).Source);
        }
    }

    [Fact]
    public void Neighbours_on_one_network_do_not_go_through_the_NAT()
    {
        Home home = Make("203.0.113.1", new NatOptions(), hosts: 2);
        home.Hosts[1].Send(9, home.Host.Addresses[0].At(Port), [1]);
        Pass();
        Assert.Equal(home.Hosts[1].Addresses[0].At(9), Assert.Single(home.Got).Source);
        Assert.Empty(home.Nat.OuterPorts);
    }

    [Fact]
    public void A_NAT_of_one_family_drops_the_other()
    {
        Home home = Make("203.0.113.1", new NatOptions());
        home.Host.AddAddress(NetAddress.Parse("fd00::2"));
        Assert.True(home.Host.Send(Port, _server.Addresses[1].At(3478), [1]));
        Pass();
        Assert.Empty(_seen);
        Assert.Equal(1, home.Network[Fate.NoMapping]);
    }

    [Fact]
    public void After_a_reboot_or_with_a_new_address_nobody_gets_in_until_something_goes_out()
    {
        Home home = Make("203.0.113.1", new NatOptions());
        home.Send(_server, 3478);
        Pass();
        home.Nat.Reboot();
        Assert.False(home.Gets(_server, 3478, _seen[0]));
        home.Send(_server, 3478);
        Pass();
        Assert.True(home.Gets(_server, 3478, _seen[1]));
        home.Nat.ChangeAddress(NetAddress.Parse("203.0.113.77"));
        Assert.False(home.Gets(_server, 3478, _seen[1]));
        Assert.False(home.Gets(_server, 3478, home.Nat.Address.At(Port)));
        home.Send(_server, 3478);
        Pass();
        Assert.Equal("203.0.113.77", NetAddress.Of(_seen[2]).ToString());
        Assert.True(home.Gets(_server, 3478, _seen[2]));
    }

    [Fact]
    public void A_home_behind_a_carrier_is_translated_twice_and_answers_come_back()
    {
        var carrier = new VirtualNetwork(_world);
        var cgn = new NatBox(carrier, _internet, "203.0.113.9", new NatOptions { Mapping = NatBehaviour.AddressAndPortDependent, Ports = NatPorts.Random });
        Home home = Make("100.64.0.2", new NatOptions(), outer: carrier);
        home.Send(_server, 3478);
        Pass();
        Assert.Equal(cgn.Address, NetAddress.Of(_seen[0]));
        Assert.Single(home.Nat.OuterPorts);
        Assert.Single(cgn.OuterPorts);
        Assert.True(home.Gets(_server, 3478, _seen[0]));
    }

    [Fact]
    public void What_is_for_a_host_that_has_gone_ends_at_the_NAT()
    {
        Home home = Make("203.0.113.1", new NatOptions());
        home.Send(_server, 3478);
        Pass();
        home.Network.Detach(home.Host.Addresses[0]);
        Assert.False(home.Gets(_server, 3478, _seen[0]));
        Assert.Equal(1, home.Network[Fate.NoSuchAddress]);
        Assert.Single(home.Nat.OuterPorts);
    }

    /// <summary>Which pairs of homes meet when each knows where the server saw the other, and both send (RFC 5128, section 3.3).</summary>
    [Theory]
    [InlineData(NatBehaviour.EndpointIndependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.EndpointIndependent, NatBehaviour.AddressAndPortDependent, true)]
    [InlineData(NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.EndpointIndependent, NatBehaviour.AddressDependent, true)]
    [InlineData(NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.EndpointIndependent, NatBehaviour.EndpointIndependent, true)]
    [InlineData(NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.EndpointIndependent, NatBehaviour.AddressAndPortDependent, false)]
    [InlineData(NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, NatBehaviour.AddressAndPortDependent, false)]
    internal void Hole_punching_succeeds_where_it_can(NatBehaviour mappingA, NatBehaviour filteringA, NatBehaviour mappingB, NatBehaviour filteringB, bool meet)
    {
        Home a = Make("203.0.113.1", new NatOptions { Mapping = mappingA, Filtering = filteringA, Ports = NatPorts.Random });
        Home b = Make("203.0.113.2", new NatOptions { Mapping = mappingB, Filtering = filteringB, Ports = NatPorts.Random });
        a.Send(_server, 3478);
        Pass();
        b.Send(_server, 3478);
        Pass();
        (UdpEndpoint seenA, UdpEndpoint seenB) = (_seen[0], _seen[1]);
        for (int i = 0; i < 3; i++)
        {
            // Each writes to where it saw the other last, as a peer does that has had a datagram from there.
            a.Host.Send(Port, a.Got.Count > 0 ? a.Got[^1].Source : seenB, [1]);
            b.Host.Send(Port, b.Got.Count > 0 ? b.Got[^1].Source : seenA, [2]);
            Pass();
        }

        Assert.Equal((meet, meet), (a.Got.Count > 0, b.Got.Count > 0));
    }

    private Home Make(string address, NatOptions options, int hosts = 1, VirtualNetwork? outer = null) => new(_world, outer ?? _internet, address, options, hosts);

    private void Pass() => _world.Run(TimeSpan.FromMilliseconds(100));

    private sealed class Home
    {
        private readonly VirtualWorld _world;

        public Home(VirtualWorld world, VirtualNetwork outer, string address, NatOptions options, int hosts)
        {
            _world = world;
            Network = new VirtualNetwork(world);
            Nat = new NatBox(Network, outer, address, options);
            Hosts = [.. Enumerable.Range(2, hosts).Select(i => new Host(Network, $"192.168.1.{i}"))];
            Host.Listen(Port, Got.Add);
        }

        public VirtualNetwork Network { get; }

        public NatBox Nat { get; }

        public Host[] Hosts { get; }

        public Host Host => Hosts[0];

        public List<Datagram> Got { get; } = [];

        public void Send(Host to, ushort port) => Host.Send(Port, to.Addresses[0].At(port), [1]);

        /// <summary>Sends one from outside and tells whether the first host got it.</summary>
        public bool Gets(Host from, ushort port, in UdpEndpoint destination)
        {
            int before = Got.Count;
            from.Send(port, destination, [2]);
            _world.Run(TimeSpan.FromMilliseconds(100));
            return Got.Count > before;
        }
    }
}
