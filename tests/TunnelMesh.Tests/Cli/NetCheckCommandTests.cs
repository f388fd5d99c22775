using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Tests.Diagnosis;

namespace TunnelMesh.Tests.Cli;

public sealed class NetCheckCommandTests
{
    private static NetCheckReport Good => NetAdviceTests.Good;

    private static string[] Print(NetCheckReport report) => NetCheckCommand.Print(report, DateTimeOffset.UnixEpoch).Split(Environment.NewLine);

    [Fact]
    public void Everything_has_its_line()
    {
        NetCheckReport report = Good with
        {
            Ipv4 = Good.Ipv4 with
            {
                Servers =
                [
                    new StunServerReport { Server = "198.51.100.1:3478", SeenAs = "203.0.113.5:2223", RttMs = 7.16 },
                    new StunServerReport { Server = "198.51.100.2:3478", SeenAs = null, RttMs = null },
                ],
            },
            PortMapping = new PortMappingReport { Enabled = true, Method = "nat_pmp", External = "203.0.113.5:2223", Gateway = "192.168.1.1", Expires = DateTimeOffset.UnixEpoch.AddHours(2), Holds = true },
        };
        Assert.Equal(
            [
                "UDP           port 2223, works",
                "IPv4          works, easy NAT (one endpoint for everybody, port kept)",
                "IPv6          no address",
                "Seen as       203.0.113.5:2223",
                "STUN          198.51.100.1:3478: 7.2 ms, sees 203.0.113.5:2223",
                "STUN          198.51.100.2:3478: no answer",
                "Port mapping  203.0.113.5:2223 by NAT-PMP from 192.168.1.1, for 2 h 0 min unless renewed",
                "Relay         https://hub:8443, 12.3 ms",
                "SSH           port 2222",
            ],
            Print(report));
    }

    [Fact]
    public void What_is_wrong_or_not_there_is_said_so()
    {
        string[] lines = Print(Good with
        {
            UdpBlocked = true,
            Ipv4 = Good.Ipv4 with { Mapping = "hard" },
            Ipv6 = Good.Ipv6 with { Addresses = ["fd00::5"] },
            PublicEndpoints = [],
            Relay = Good.Relay! with { Open = false, Problem = "refused" },
            SshPort = null,
            Advice = ["Do this.", "And that."],
        });
        Assert.Equal("UDP           port 2223, blocked: no STUN server answers", lines[0]);
        Assert.EndsWith("hard NAT (another endpoint for each destination)", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("no way to the internet", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("nothing that others could use", lines[3], StringComparison.Ordinal);
        Assert.Equal("Port mapping  none: no answer", lines[4]);
        Assert.EndsWith("not open: refused", lines[5], StringComparison.Ordinal);
        Assert.Equal(["SSH           not used", "! Do this.", "! And that."], lines[6..]);
    }

    [Fact]
    public void What_is_known_of_UDP_and_the_NAT_by_one_server_is_said()
    {
        StunServerReport first = new() { Server = "198.51.100.1:3478", SeenAs = "203.0.113.5:2223", RttMs = 7 }, second = first with { Server = "198.51.100.1:3479" };
        NetCheckReport one = Good with { Ipv4 = Good.Ipv4 with { Mapping = "unknown", Servers = [first, second] } };
        Assert.Contains("probably an easy NAT", Print(one)[1], StringComparison.Ordinal);
        Assert.Contains("of unknown kind", Print(one with { Ipv4 = one.Ipv4 with { Servers = [first, second with { SeenAs = null }] } })[1], StringComparison.Ordinal);
        Assert.EndsWith("no STUN server answers, as the coordinator is not reached", Print(Good with { UdpBlocked = null, StunSilent = true })[0], StringComparison.Ordinal);
        Assert.EndsWith("works with peers, but no STUN server answers", Print(Good with { StunSilent = true })[0], StringComparison.Ordinal);
    }

    [Fact]
    public void How_this_machine_is_seen_is_not_known_when_nobody_has_told()
    {
        NetCheckReport silent = Good with { UdpBlocked = null, StunSilent = true, CoordinatorReached = false, PublicEndpoints = [], Ipv4 = Good.Ipv4 with { Mapping = "unknown", PortPreserved = null, Endpoints = [] } };
        Assert.Equal("Seen as       not known: no STUN server answers", Print(silent)[3]);
        Assert.Equal("Seen as       not known: no STUN server answers", Print(silent with { UdpBlocked = false })[3]);
        Assert.Equal("Seen as       not known: there is no STUN server to ask", Print(silent with { StunSilent = false })[3]);
        Assert.Equal("Seen as       nothing that others could use", Print(silent with { UdpBlocked = true, CoordinatorReached = true })[3]);
        Assert.Equal("Seen as       nothing that others could use", Print(silent with { Ipv4 = silent.Ipv4 with { Addresses = [], DefaultRoute = false, Usable = false } })[3]);
    }

    [Theory]
    [InlineData("unknown", "behind a NAT of unknown kind")]
    [InlineData("none", "no NAT")]
    public void The_kind_of_NAT_is_in_words(string mapping, string expected) =>
        Assert.Contains(expected, Print(Good with { Ipv4 = Good.Ipv4 with { Mapping = mapping } })[1], StringComparison.Ordinal);
}
