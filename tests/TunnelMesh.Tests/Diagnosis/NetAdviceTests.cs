using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Diagnosis;

public sealed class NetAdviceTests
{
    private static readonly NetCheckFamily Family = new()
    {
        Usable = true,
        Addresses = ["192.168.1.5"],
        DefaultRoute = true,
        Mapping = "easy",
        PortPreserved = true,
        Endpoints = ["203.0.113.5:2223"],
        Servers = [],
    };

    internal static NetCheckReport Good { get; } = new()
    {
        UdpPort = 2223,
        UdpBlocked = false,
        Ipv4 = Family,
        Ipv6 = Family with { Usable = false, Addresses = [], DefaultRoute = false, Mapping = "unknown", PortPreserved = null, Endpoints = [] },
        PublicEndpoints = ["203.0.113.5:2223"],
        PortMapping = new PortMappingReport { Enabled = true, Problem = "no answer" },
        Relay = new RelayReport { Open = true, Url = "https://hub:8443", Since = default, RttMs = 12.34, TxDatagrams = 0, RxDatagrams = 0, Dropped = 0 },
        SshPort = 2222,
    };

    [Fact]
    public void A_network_in_which_all_is_well_needs_no_advice() => Assert.Empty(NetAdvice.Of(Good));

    [Fact]
    public void Each_thing_that_is_wrong_is_named_with_what_would_help()
    {
        Expect("no usable network", Good with { Ipv4 = Good.Ipv6, UdpBlocked = true, Relay = Good.Relay! with { Open = false } });
        Expect("UDP is blocked", Good with { UdpBlocked = true });
        Expect("coordinator.stun_listen", Good with { UdpBlocked = null });
        Expect("not open: refused.", Good with { Relay = Good.Relay! with { Open = false, Problem = "refused." } });
        Expect("is the port right? While it is closed, peers", Good with { Relay = Good.Relay! with { Open = false, Problem = "nothing listens there. Is the coordinator running, and is the port right?" } });
        Expect("not open. While it is closed, peers", Good with { Relay = Good.Relay! with { Open = false } });
        Expect("TCP 2222", Good with { UdpBlocked = true });
        Expect("in the firewall here.", Good with { UdpBlocked = true, SshPort = null });
        Expect("second NAT", Good with { PortMapping = new PortMappingReport { Enabled = true, Method = "pcp", External = "10.0.0.2:2223" } });
    }

    [Fact]
    public void Silent_STUN_servers_are_told_from_UDP_that_is_blocked()
    {
        NetCheckReport silent = Good with { StunSilent = true, UdpBlocked = null, CoordinatorReached = false };
        Expect("because the coordinator is not reached; whether UDP passes is not known", silent);
        Expect("because the coordinator is not reached; UDP works with peers", silent with { UdpBlocked = false });
        Expect("though UDP works with peers: let UDP in", silent with { UdpBlocked = false, CoordinatorReached = true });
        Expect("UDP is blocked", silent with { UdpBlocked = true, CoordinatorReached = true });
    }

    [Fact]
    public void A_network_over_which_the_relay_is_reached_is_one() => Assert.Empty(NetAdvice.Of(Good with { Ipv4 = Good.Ipv6 }));

    [Fact]
    public void A_hard_NAT_is_no_fault_where_a_port_is_forwarded()
    {
        NetCheckReport hard = Good with { Ipv4 = Family with { Mapping = "hard" } };
        Expect("switch on UPnP", hard);
        Expect("`port_mapping` is switched off", hard with { PortMapping = new PortMappingReport { Enabled = false } });
        Assert.Empty(NetAdvice.Of(hard with { PortMapping = new PortMappingReport { Enabled = true, Method = "pcp", External = "203.0.113.5:2223", Holds = true } }));
    }

    private static void Expect(string words, NetCheckReport report) => Assert.Contains(words, Assert.Single(NetAdvice.Of(report)), StringComparison.Ordinal);
}
