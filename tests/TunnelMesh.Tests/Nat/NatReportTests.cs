using System.Net;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Nat;

public class NatReportTests
{
    private static readonly StunFindings Easy = new(MappingBehaviour.EndpointIndependent, [StunBench.Endpoint("203.0.113.5:40000")], false, []);

    private static PortMapping Mapping(string external, bool isPublic = true) =>
        new(PortMappingMethod.Pcp, IPEndPoint.Parse(external), FakeGateway.Address, DateTimeOffset.UnixEpoch, isPublic);

    private static NatReport Report(StunFindings v4, PortMapping? mapping) => new(v4, StunFindings.None, mapping, null, null, false);

    [Fact]
    public void A_mapping_that_holds_comes_before_what_servers_see() =>
        Assert.Equal(["203.0.113.5:2223", "203.0.113.5:40000"], Report(Easy, Mapping("203.0.113.5:2223")).PublicEndpoints.Select(e => e.ToString()));

    [Fact]
    public void A_mapping_elsewhere_than_servers_see_us_is_marked_and_left_out()
    {
        NatReport report = Report(Easy, Mapping("203.0.113.99:2223"));
        Assert.False(report.MappingAgrees);
        Assert.Equal(["203.0.113.5:40000"], report.PublicEndpoints.Select(e => e.ToString()));
    }

    [Fact]
    public void A_private_mapping_is_left_out_and_one_without_servers_is_believed()
    {
        Assert.Empty(Report(StunFindings.None, Mapping("10.0.0.7:2223", isPublic: false)).PublicEndpoints);
        Assert.Single(Report(StunFindings.None, Mapping("203.0.113.5:2223")).PublicEndpoints);
    }

    [Fact]
    public void The_endpoints_of_a_hard_NAT_help_nobody_else() =>
        Assert.Empty(Report(Easy with { Behaviour = MappingBehaviour.Dependent }, null).PublicEndpoints);

    [Fact]
    public void Others_are_told_of_an_easy_NAT_with_its_endpoint_and_of_a_hard_one_unless_it_maps_a_port()
    {
        StunFindings hard = Easy with { Behaviour = MappingBehaviour.Dependent };
        Assert.Equal((NatKind.Easy, ("easy", "203.0.113.5:40000")), (Report(Easy, null).Kind, Report(Easy, null).Words));
        Assert.Equal((NatKind.Easy, ("easy", "203.0.113.5:40000")), (Report(Easy with { Behaviour = MappingBehaviour.None }, null).Kind, Report(Easy, null).Words));
        Assert.Equal((NatKind.Hard, ("hard", null)), (Report(hard, null).Kind, Report(hard, null).Words));
        Assert.Equal((NatKind.Unknown, (null, null)), (Report(hard, Mapping("203.0.113.5:2223")).Kind, Report(hard, Mapping("203.0.113.5:2223")).Words));
        Assert.Equal(NatKind.Hard, Report(hard, Mapping("10.0.0.7:2223", isPublic: false)).Kind);
        Assert.Equal((NatKind.Unknown, (null, null)), (Report(StunFindings.None, null).Kind, Report(StunFindings.None, null).Words));
    }

    [Theory]
    [InlineData("203.0.113.5:4000", "203.0.113.5:4000", NatKind.Easy)]
    [InlineData("203.0.113.5:4000", "203.0.113.5:4001", NatKind.Hard)]
    [InlineData("203.0.113.5:4000", null, NatKind.Unknown)]
    public void Two_ports_of_one_server_tell_a_hard_NAT(string first, string? second, NatKind kind)
    {
        StunFindings found = StunFindings.Of(
            [new(StunBench.First, StunBench.Endpoint(first), TimeSpan.Zero), new(StunBench.FirstPort, second is null ? default : StunBench.Endpoint(second), TimeSpan.Zero)], 2223, _ => false);
        Assert.Equal(kind, Report(found, null).Kind);
    }

    [Theory]
    [InlineData("203.0.113.5:1", true, true)]
    [InlineData("203.0.113.5:0", false, true)]
    [InlineData("10.0.0.1:1", true, false)]
    [InlineData("172.31.0.1:1", true, false)]
    [InlineData("172.32.0.1:1", true, true)]
    [InlineData("192.168.1.1:1", true, false)]
    [InlineData("100.64.0.1:1", true, false)]
    [InlineData("100.128.0.1:1", true, true)]
    [InlineData("0.1.2.3:1", false, true)]
    [InlineData("127.0.0.1:1", false, true)]
    [InlineData("169.254.0.1:1", false, true)]
    [InlineData("224.0.0.1:1", false, true)]
    [InlineData("[2001:db8::1]:1", true, true)]
    [InlineData("[fd00::1]:1", true, false)]
    [InlineData("[fe80::1]:1", false, true)]
    [InlineData("[ff02::1]:1", false, true)]
    [InlineData("[::1]:1", false, true)]
    [InlineData("[::ffff:203.0.113.5]:1", false, true)]
    public void Addresses_are_judged_by_their_ranges(string endpoint, bool sound, bool isPublic)
    {
        IPEndPoint parsed = IPEndPoint.Parse(endpoint);
        Assert.Equal(sound, ExternalAddress.IsSound(parsed));
        Assert.Equal(isPublic, ExternalAddress.IsPublic(parsed.Address));
    }
}
