using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Diagnosis;

public sealed class PathDoctorTests
{
    private static readonly StunFindings Easy = new(MappingBehaviour.EndpointIndependent, [UdpEndpoint.From(IPEndPoint.Parse("203.0.113.5:40000"))], false, []);
    private static readonly StunFindings Hard = Easy with { Behaviour = MappingBehaviour.Dependent };

    private static readonly RelayReport OpenRelay = new() { Open = true, Url = "https://hub:8443", Since = default, RxDatagrams = 0, TxDatagrams = 0, Dropped = 0 };

    private static readonly PathStats Silent = new()
    {
        Transport = "udp",
        Endpoint = "192.0.2.1:2223",
        InUse = false,
        Offered = true,
        Open = true,
        State = "untried",
        Loss = 0,
        Mtu = 0,
        Probes = 7,
        Echoes = 0,
    };

    private static readonly PathStats Proven = Silent with { State = "proven", InUse = true, Mtu = 1400, Echoes = 7, HeardMsAgo = 10, RttMs = 1 };

    private static readonly PathStats Relayed = Proven with { Transport = "relay", Endpoint = null };

    private static NatReport Nat(StunFindings v4, bool blocked = false, PortMapping? mapping = null) => new(v4, StunFindings.None, mapping, null, null, blocked);

    private static PeerFacts Facts(string path, params PathStats[] paths) => new()
    {
        Name = "nas",
        Online = true,
        Stats = new PeerStats { DeviceId = "d", Path = path, Paths = paths },
        Nat = Nat(Easy),
        Relay = OpenRelay,
        OwnTransports = ["udp", "ssh", "relay"],
        PeerTransports = [],
    };

    private static PeerDiagnosis Expect(DiagnosisCause cause, PeerFacts facts, string words)
    {
        PeerDiagnosis found = PathDoctor.Diagnose(facts);
        Assert.Equal(cause, found.Cause);
        Assert.Contains("nas", found.Summary, StringComparison.Ordinal);
        Assert.Contains(words, found.Summary, StringComparison.Ordinal);
        Assert.Equal(cause == DiagnosisCause.Fine, found.Help is null);
        return found;
    }

    [Fact]
    public void A_direct_path_that_carries_is_fine_whatever_the_network_is_like()
    {
        Expect(DiagnosisCause.Fine, Facts("udp", Proven, Silent) with { Online = false, Nat = Nat(Hard, blocked: true), Relay = OpenRelay with { Open = false } }, "192.0.2.1:2223");
        Expect(DiagnosisCause.Fine, Facts("udp", Proven with { Mtu = 1200, Loss = 0.09 }), "directly");
        Expect(DiagnosisCause.Fine, Facts("udp", Proven with { State = "sizing", Mtu = 0 }), "directly");
    }

    [Fact]
    public void A_direct_path_that_loses_packets_or_carries_small_ones_only_is_named_so()
    {
        Expect(DiagnosisCause.Lossy, Facts("udp", Proven with { Loss = 0.254 }), "25 %");
        Expect(DiagnosisCause.SmallPacketsOnly, Facts("udp", Proven with { Mtu = 576 }), "none larger than 576 bytes");
    }

    [Fact]
    public void Whoever_is_offline_is_so_only_while_nothing_is_heard_of_it()
    {
        Expect(DiagnosisCause.Offline, Facts("none") with { Online = false, Stats = null }, "offline");
        Expect(DiagnosisCause.Offline, Facts("relay", Silent, Relayed with { HeardMsAgo = 60_000 }) with { Online = false }, "offline");
        Expect(DiagnosisCause.NoAnswer, Facts("relay", Silent, Relayed) with { Online = false }, "does not answer");
    }

    [Fact]
    public void Whoever_has_gone_is_offline_though_it_was_heard_a_moment_ago()
    {
        PathStats stopped = Proven with { State = "doubted", HeardMsAgo = 4000 };
        Expect(DiagnosisCause.Offline, Facts("udp", stopped, Relayed with { InUse = false, State = "doubted", HeardMsAgo = 5000 }) with { Online = false }, "offline");
        Expect(DiagnosisCause.Offline, Facts("udp", Proven with { HeardMsAgo = 30_000 }) with { Online = false }, "offline");
        Expect(DiagnosisCause.Offline, Facts("relay", Relayed with { Open = false }) with { Online = false }, "nas is offline: it has no connection");
        Expect(DiagnosisCause.Offline, Facts("none") with { Online = false, CoordinatorReached = false }, "as the coordinator told last");
        Expect(DiagnosisCause.DirectLost, Facts("udp", stopped), "4 s ago");
    }

    [Fact]
    public void Two_without_a_transport_in_common_are_said_to_be_out_of_reach()
    {
        PeerFacts facts = Facts("none") with { OwnTransports = ["ssh", "relay"], PeerTransports = ["udp"] };
        Expect(DiagnosisCause.TransportsForbid, facts, "uses ssh and relay only, and nas udp only: the two have no transport in common");
        Expect(DiagnosisCause.TransportsForbid, Facts("relay", Relayed) with { OwnTransports = ["ssh", "relay"], PeerTransports = ["udp", "relay"] }, "never tried directly");
        Expect(DiagnosisCause.NotTried, facts with { PeerTransports = ["udp", "relay"] }, "not been reached yet over relay");
    }

    [Fact]
    public void A_machine_without_network_blames_nobody_else()
    {
        PathStats stopped = Proven with { State = "doubted", Mtu = 1400, HeardMsAgo = 4000 };
        PeerFacts facts = Facts("udp", stopped) with { HasNetwork = false };
        Expect(DiagnosisCause.RelayClosed, facts, "this machine has no usable network");
        Expect(DiagnosisCause.RelayClosed, facts with { Online = false, CoordinatorReached = false }, "this machine has no usable network");
        Expect(DiagnosisCause.RelayClosed, Facts("udp", Proven with { HeardMsAgo = 500 }) with { HasNetwork = false }, "this machine has no usable network");
        Expect(DiagnosisCause.RelayClosed, facts with { OwnTransports = ["ssh"], Relay = null }, "this machine has no usable network");
        Expect(DiagnosisCause.Fine, Facts("udp", Proven with { Endpoint = "127.0.0.1:2223" }) with { HasNetwork = false }, "directly");
    }

    [Fact]
    public void What_was_direct_and_has_nothing_else_is_told_with_the_relay_that_is_closed()
    {
        PeerFacts facts = Facts("udp", Proven with { State = "doubted", HeardMsAgo = 4000 }) with { Relay = OpenRelay with { Open = false, Problem = "silent for 9 s" } };
        Expect(DiagnosisCause.RelayClosed, facts, "UDP, over which it was last heard 4 s ago, does not any more, and the stream to the relay at https://hub:8443 is not open (silent for 9 s)");
    }

    [Fact]
    public void Transports_without_udp_are_not_the_cause_where_nothing_carries_at_all()
    {
        PeerFacts facts = Facts("none") with { Relay = null, OwnTransports = ["ssh"], SshProblem = "192.0.2.1:2222: timed out.", PeerSshPort = 2222 };
        PeerDiagnosis ssh = Expect(DiagnosisCause.SshClosed, facts, "(192.0.2.1:2222: timed out)");
        Assert.Contains("TCP 2222", ssh.Help, StringComparison.Ordinal);
        Expect(DiagnosisCause.SshClosed, facts with { OwnTransports = ["udp", "ssh"], PeerTransports = ["ssh"] }, "SSH");
        Expect(DiagnosisCause.NotTried, facts with { SshProblem = null }, "over ssh");
        PeerFacts both = facts with { OwnTransports = ["ssh", "relay"], Relay = OpenRelay with { Open = false, Problem = "refused" } };
        Expect(DiagnosisCause.RelayClosed, both, "SSH is not open (192.0.2.1:2222: timed out), and the stream to the relay at https://hub:8443 is not open (refused)");
        Expect(DiagnosisCause.TransportsForbid, Facts("ssh", Relayed with { Transport = "ssh" }) with { OwnTransports = ["ssh"] }, "leaves udp out");
    }

    [Fact]
    public void Where_UDP_is_blocked_the_TCP_port_of_SSH_is_named_unless_SSH_carries()
    {
        PeerFacts facts = Facts("relay", Silent, Relayed) with { Nat = Nat(StunFindings.None, blocked: true), PeerSshPort = 2222 };
        Assert.Contains("TCP 2222", Expect(DiagnosisCause.UdpBlocked, facts, "on this side").Help, StringComparison.Ordinal);
        Assert.DoesNotContain("TCP", Expect(DiagnosisCause.UdpBlocked, facts with { PeerSshPort = 0 }, "on this side").Help, StringComparison.Ordinal);
        Assert.DoesNotContain("TCP", Expect(DiagnosisCause.UdpBlocked, facts with { PeerTransports = ["udp", "relay"] }, "on this side").Help, StringComparison.Ordinal);
        PeerFacts over = Facts("ssh", Silent, Relayed with { Transport = "ssh" }) with { Nat = facts.Nat, PeerSshPort = 2222 };
        Assert.DoesNotContain("TCP", Expect(DiagnosisCause.UdpBlocked, over, "over SSH").Help, StringComparison.Ordinal);
    }

    [Fact]
    public void While_ports_are_tried_by_chance_a_hard_NAT_is_no_final_word()
    {
        PeerFacts facts = Facts("relay", Silent, Relayed) with { Nat = Nat(Hard) };
        facts = facts with { Stats = facts.Stats! with { Nat = NatKind.Easy, IsSearching = true } };
        PeerDiagnosis found = Expect(DiagnosisCause.NotTried, facts, "is being looked for");
        Assert.Contains("--until-direct", found.Help, StringComparison.Ordinal);
        Assert.DoesNotContain("UPnP", found.Help, StringComparison.Ordinal);
        Expect(DiagnosisCause.HardNat, facts with { Stats = facts.Stats! with { IsSearching = false } }, "The NAT on this side");
        Expect(DiagnosisCause.NotTried, facts with { Nat = Nat(Easy), Stats = facts.Stats! with { Nat = NatKind.Hard } }, "is being looked for");
    }

    [Fact]
    public void A_NAT_of_the_other_side_that_is_not_known_is_said_so()
    {
        PeerFacts facts = Facts("relay", Silent, Relayed) with { Nat = Nat(Hard) };
        Expect(DiagnosisCause.HardNat, facts, "what NAT nas has is not known");
        Assert.True(PathDoctor.AwaitsWord(facts));
        Assert.False(PathDoctor.AwaitsWord(facts with { Stats = facts.Stats! with { Nat = NatKind.Easy } }));
        Assert.False(PathDoctor.AwaitsWord(facts with { CoordinatorReached = false }));
        Assert.False(PathDoctor.AwaitsWord(facts with { Online = false }));
        Assert.False(PathDoctor.AwaitsWord(facts with { Nat = Nat(Easy) }));
    }

    [Fact]
    public void A_configuration_without_udp_is_found_on_either_side()
    {
        Expect(DiagnosisCause.TransportsForbid, Facts("relay", Relayed) with { OwnTransports = ["relay"] }, "this machine");
        Expect(DiagnosisCause.TransportsForbid, Facts("relay", Relayed) with { PeerTransports = ["ssh", "relay"] }, "of nas");
        Expect(DiagnosisCause.NoEndpoint, Facts("relay", Relayed) with { PeerTransports = ["udp", "relay"] }, "goes through the relay");
    }

    [Fact]
    public void A_transport_that_is_preferred_to_udp_is_no_fault()
    {
        PathStats ssh = Relayed with { Transport = "ssh" }, spare = Proven with { InUse = false };
        Expect(DiagnosisCause.NotPreferred, Facts("ssh", ssh, spare) with { OwnTransports = ["ssh", "udp"] }, "prefers ssh");
        Expect(DiagnosisCause.NotTried, Facts("ssh", ssh, spare), "not in use yet");
        Expect(DiagnosisCause.NotPreferred, Facts("ssh", ssh, spare) with { MeshOrder = ["ssh"] }, "the coordinator's order");
        Expect(DiagnosisCause.NotTried, Facts("ssh", ssh, spare) with { OwnTransports = ["ssh", "udp"], MeshOrder = ["udp"] }, "not in use yet");
    }

    [Fact]
    public void A_relay_that_is_closed_counts_where_nothing_else_carries()
    {
        RelayReport closed = OpenRelay with { Open = false, Problem = "connection refused." };
        PathStats shut = Relayed with { Open = false };
        Expect(DiagnosisCause.RelayClosed, Facts("relay", Silent, shut) with { Relay = closed, Nat = Nat(StunFindings.None, blocked: true), CoordinatorReached = false }, "Nothing carries");
        Expect(DiagnosisCause.RelayClosed, Facts("ssh", Silent, shut with { Transport = "ssh" }) with { Relay = closed, HasNetwork = false }, "no usable network");
        Expect(DiagnosisCause.NoAnswer, Facts("ssh", Silent, shut with { Transport = "ssh" }), "does not answer");
        Expect(DiagnosisCause.RelayClosed, Facts("none", Silent) with { Relay = closed }, "(connection refused)");
        Expect(DiagnosisCause.NoAnswer, Facts("ssh", Silent, Relayed with { Transport = "ssh" }) with { Relay = closed }, "does not answer");
    }

    [Fact]
    public void UDP_that_is_blocked_here_comes_before_what_peers_do()
    {
        Expect(DiagnosisCause.UdpBlocked, Facts("relay", Silent, Relayed) with { Nat = Nat(StunFindings.None, blocked: true) }, "on this side");
        Expect(DiagnosisCause.UdpBlocked, Facts("ssh", Proven with { InUse = false, State = "doubted" }, Relayed) with { Nat = Nat(StunFindings.None, blocked: true) }, "goes over SSH");
    }

    [Fact]
    public void Silent_STUN_servers_tell_nothing_of_UDP_while_their_coordinator_is_away_or_a_peer_is_heard()
    {
        PeerFacts facts = Facts("ssh", Silent, Relayed with { Transport = "ssh" }) with { Nat = Nat(StunFindings.None, blocked: true) };
        Expect(DiagnosisCause.UdpBlocked, facts, "on this side");
        Expect(DiagnosisCause.NoAnswer, facts with { CoordinatorReached = false }, "on either side");
        Expect(DiagnosisCause.NoAnswer, facts with { UdpWorks = true }, "on either side");
    }

    [Fact]
    public void A_hard_NAT_is_named_on_the_side_where_it_is_or_on_both()
    {
        PeerFacts there = Facts("relay", Silent, Relayed);
        there = there with { Stats = there.Stats! with { Nat = NatKind.Hard } };
        Expect(DiagnosisCause.HardNat, there, "The NAT of nas gives a new port");
        Expect(DiagnosisCause.HardNat, there with { Nat = Nat(Hard) }, "The NATs on both sides, here and of nas,");
        PeerFacts easy = there with { Stats = there.Stats! with { Nat = NatKind.Easy } };
        Expect(DiagnosisCause.NoAnswer, easy, "its side");
        Expect(DiagnosisCause.HardNat, easy with { Nat = Nat(Hard) }, "The NAT on this side");
    }

    [Fact]
    public void A_hard_NAT_here_is_the_cause_unless_the_gateway_forwards_a_port()
    {
        PeerFacts facts = Facts("relay", Silent, Relayed) with { Nat = Nat(Hard) };
        Expect(DiagnosisCause.HardNat, facts, "this side");
        PortMapping mapping = new(PortMappingMethod.Pcp, IPEndPoint.Parse("203.0.113.5:2223"), IPAddress.Parse("192.168.1.1"), default, IsPublic: true);
        Expect(DiagnosisCause.NoAnswer, facts with { Nat = Nat(Hard, mapping: mapping) }, "its side");
        Expect(DiagnosisCause.HardNat, facts with { Nat = Nat(Hard, mapping: mapping with { IsPublic = false }) }, "this side");
    }

    [Fact]
    public void What_was_not_tried_or_only_just_now_is_not_judged()
    {
        Expect(DiagnosisCause.NotTried, Facts("none") with { Stats = null }, "not been tried");
        Expect(DiagnosisCause.NotTried, Facts("relay", Silent with { Probes = 3 }, Relayed), "just now");
        Expect(DiagnosisCause.NotTried, Facts("relay", Silent with { State = "sizing", Echoes = 1 }, Relayed), "just now");
        Expect(DiagnosisCause.NotTried, Facts("relay", Silent with { Probes = 3 }, Relayed) with { Nat = Nat(Hard) }, "just now");
    }

    [Fact]
    public void An_address_that_echoes_small_probes_only_is_told_from_one_that_has_stopped()
    {
        PathStats answered = Silent with { State = "doubted", Echoes = 9, Mtu = 16, HeardMsAgo = 900 };
        Expect(DiagnosisCause.SmallPacketsOnly, Facts("relay", answered, Relayed), "large ones do not");
        Expect(DiagnosisCause.DirectLost, Facts("relay", answered with { Mtu = 1400, HeardMsAgo = 4100 }, Relayed), "4 s ago");
        Expect(DiagnosisCause.DirectLost, Facts("relay", answered with { HeardMsAgo = 90_000 }, Relayed), "90 s ago");
        Expect(DiagnosisCause.DirectLost, Facts("udp", answered with { InUse = true, Mtu = 1400 }), "does not answer any more");
    }

    [Fact]
    public void Without_an_answer_the_other_side_is_suspected_only_when_this_one_is_known_to_work()
    {
        PeerFacts facts = Facts("relay", Silent, Silent with { Endpoint = "192.0.2.2:2223" }, Relayed);
        Expect(DiagnosisCause.NoAnswer, facts, "None of the 2 UDP addresses");
        Expect(DiagnosisCause.NoAnswer, facts, "on its side");
        Expect(DiagnosisCause.NoAnswer, facts with { Nat = Nat(Easy with { Behaviour = MappingBehaviour.Unknown }) }, "on its side");
        Expect(DiagnosisCause.NoAnswer, facts with { Nat = Nat(StunFindings.None) }, "on either side");
        Expect(DiagnosisCause.NoAnswer, facts with { Nat = null }, "on either side");
    }
}
