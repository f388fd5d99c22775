using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Nat;

namespace TunnelMesh.Node.Diagnosis;

/// <summary>Finds out why a device is not reached directly, from what probes and STUN have told. Pure. What is known for certain comes before what is only likely.</summary>
public static class PathDoctor
{
    /// <summary>Share of lost probes from which a path is called lossy.</summary>
    public const double MuchLoss = 0.1;

    /// <summary>Inner bytes that a good path carries: the smallest MTU of IPv6 (RFC 8200, section 5) less what the tunnel adds to it over IPv6.</summary>
    public const int UsualMtu = 1200;

    // The fourth probe of a burst goes out 300 ms after the first; a path that answers has echoed one by then, and is being sized.
    private const int EnoughProbes = 4, EnoughEchoes = 3;
    private const double LatelyMs = Liveness.LatelyMs;
    private const string Udp = "udp", Ssh = "ssh", None = "none";

    /// <summary>The most likely cause.</summary>
    /// <param name="facts">All that is known.</param>
    public static PeerDiagnosis Diagnose(PeerFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        PathStats[] udp = [.. (facts.Stats?.Paths ?? []).Where(p => p.Transport == Udp)];
        string path = Shown(facts)?.Path ?? None;
        return NoNetwork(facts, path) ?? Gone(facts) ?? (path == Udp && Array.Find(udp, p => p.InUse) is { State: not "doubted" } direct ? Direct(facts, direct) : null)
            ?? Absence(facts, path, udp)
            ?? NotInUse(facts, path, udp)
            ?? Own(facts, path, udp)
            ?? Theirs(facts, udp);
    }

    /// <summary>The tunnel as it is to be shown.</summary>
    /// <param name="facts">All that is known.</param>
    public static PeerStats? Shown(PeerFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return Liveness.Shown(facts.Stats, facts.Online, facts.HasNetwork, facts.Relay is not { Open: false });
    }

    /// <summary>True while the device may be about to tell of its own NAT, which the diagnosis waits for: both have named theirs when they try to meet.</summary>
    /// <param name="facts">All that is known.</param>
    public static bool AwaitsWord(PeerFacts facts) =>
        Diagnose(facts) is { Cause: DiagnosisCause.HardNat } && facts is { Online: true, CoordinatorReached: true, Stats.Nat: NatKind.Unknown };

    private static PeerDiagnosis? Direct(PeerFacts facts, PathStats direct) => direct switch
    {
        { State: "proven", Mtu: < UsualMtu } => Small(facts, direct, direct.Mtu),
        { State: "proven" or "sizing", Loss: >= MuchLoss } => new(DiagnosisCause.Lossy,
            $"{facts.Name} is reached directly at {direct.Endpoint}, but about {Math.Round(direct.Loss * 100)} % of the probes are lost.",
            "Look for a full line or a weak radio link between the two; a transport over TCP would not make it faster."),
        { State: "proven" or "sizing" } => new(DiagnosisCause.Fine, $"{facts.Name} is reached directly at {direct.Endpoint}.", null),
        _ => null,
    };

    private static PeerDiagnosis? Gone(PeerFacts facts) => !facts.Online && !(facts.Stats?.Paths ?? []).Any(p => Liveness.IsAlive(p, online: false))
        ? new(DiagnosisCause.Offline, $"{facts.Name} is offline{(facts.CoordinatorReached ? ": it has no connection to the coordinator" : ", as the coordinator told last")}, and does not answer.",
            $"Start it, or look with `tunnelmesh status` on {facts.Name} whether it reaches the coordinator.")
        : null;

    // Whatever else is wrong follows from it.
    private static PeerDiagnosis? NoNetwork(PeerFacts facts, string path) => facts.HasNetwork || path != None ? null
        : new(DiagnosisCause.RelayClosed, $"Nothing carries to {facts.Name}: this machine has no usable network.", "Connect it, or look at its interfaces and its default route; `tunnelmesh netcheck` shows them.");

    private static PeerDiagnosis? Absence(PeerFacts facts, string path, PathStats[] udp)
    {
        string[] common = Common(facts);
        if (common.Length == 0)
        {
            return new(DiagnosisCause.TransportsForbid,
                $"This machine uses {Listed(facts.OwnTransports)} only, and {facts.Name} {Listed(facts.PeerTransports)} only: the two have no transport in common and cannot reach each other.",
                $"Add to `transports`, here or on {facts.Name}, one that the other side uses.");
        }

        if (path == None && Nothing(facts, common, udp) is { } nothing)
        {
            return nothing;
        }

        return !facts.OwnTransports.Contains(Udp)
            ? new(DiagnosisCause.TransportsForbid, $"The configuration of this machine leaves udp out of `transports`, so {facts.Name} is never tried directly.", "Add udp to `transports` here.")
            : !common.Contains(Udp)
            ? new(DiagnosisCause.TransportsForbid, $"The configuration of {facts.Name} leaves udp out of `transports`, so it is never tried directly.", $"Add udp to `transports` on {facts.Name}.")
            : null;
    }

    // That nothing carries comes before why it is not direct.
    private static PeerDiagnosis? Nothing(PeerFacts facts, string[] common, PathStats[] udp)
    {
        string? ssh = common.Contains(Ssh) && facts.SshProblem is { } failure ? $"({failure.TrimEnd('.')})" : null;
        bool direct = common.Contains(Udp);
        if (facts.Relay is { Open: false } relay && (direct || common.Contains("relay")))
        {
            string problem = relay.Problem is { } why ? $" ({why.TrimEnd('.')})" : "";
            string others = direct ? Array.Find(udp, p => p is { Echoes: > 0, HeardMsAgo: not null }) is { HeardMsAgo: { } ago } ? $"UDP, over which it was last heard {Math.Round(ago / 1000)} s ago, does not any more" : "UDP does not"
                : ssh is not null ? $"SSH is not open {ssh}" : "";
            return new(DiagnosisCause.RelayClosed, $"Nothing carries to {facts.Name}: {(others.Length > 0 ? others + ", and " : "")}the stream to the relay at {relay.Url} is not open{problem}.",
                "Look whether the coordinator runs and is reached from here; `tunnelmesh status` shows its address.");
        }

        string port = facts.PeerSshPort > 0 ? FormattableString.Invariant($"TCP {facts.PeerSshPort}") : "its `ssh_port`";
        return direct ? null
            : ssh is not null
            ? new(DiagnosisCause.SshClosed, $"Nothing carries to {facts.Name}: `transports` here and there leave {Listed(common)} only, and SSH is not open {ssh}.",
                $"Look whether {facts.Name} runs, and let {port} through to it in the firewalls in between; another transport in `transports` of both gives a second way.")
            : new(DiagnosisCause.NotTried, $"{facts.Name} has not been reached yet over {Listed(common)}, which is all that `transports` here and there leave.", $"Send something to it, for example with `tunnelmesh ping {facts.Name}`.");
    }

    private static PeerDiagnosis? NotInUse(PeerFacts facts, string path, PathStats[] udp)
    {
        if (Array.Find(udp, p => p is { State: "proven", InUse: false }) is not { } proven || path is Udp or None)
        {
            return null;
        }

        string[] order = [.. (facts.MeshOrder ?? []).Union(facts.OwnTransports)];
        return Array.IndexOf(order, path) is not (>= 0 and var place) || place > Array.IndexOf(order, Udp)
            ? new(DiagnosisCause.NotTried, $"The direct way to {facts.Name} at {proven.Endpoint} works, and is not in use yet.", "Wait a moment: traffic moves by itself.")
            : facts.MeshOrder is null
            ? new(DiagnosisCause.NotPreferred, $"{facts.Name} could be reached directly at {proven.Endpoint}, but `transports` here prefers {path}.", "Put udp first in `transports` here to change that.")
            : new(DiagnosisCause.NotPreferred, $"{facts.Name} could be reached directly at {proven.Endpoint}, but the coordinator's order for it prefers {path}.",
                "`tunnelmesh transport` on the coordinator lists the orders that are set, and takes one away.");
    }

    private static PeerDiagnosis? Own(PeerFacts facts, string path, PathStats[] udp)
    {
        if (facts is { Nat.UdpBlocked: true, CoordinatorReached: true, UdpWorks: false })
        {
            return new(DiagnosisCause.UdpBlocked, $"UDP is blocked on this side: no STUN server answers, so {Carried(facts, path)}.",
                "Let UDP out, and answers in, in the firewall of this machine or its network."
                + (path != Ssh && facts.PeerSshPort > 0 && Common(facts).Contains(Ssh) ? FormattableString.Invariant($" Where it may not pass, TCP {facts.PeerSshPort} to {facts.Name} (SSH) is the other direct way.") : ""));
        }

        if (udp.Length == 0 && facts.Stats?.Paths.Count > 0)
        {
            return new(DiagnosisCause.NoEndpoint, $"{facts.Name} tells of no address at which it could be reached directly, so {Carried(facts, path)}.",
                $"Look with `tunnelmesh netcheck` on {facts.Name} whether it has any network but the way to the coordinator.");
        }

        // A path in use that nothing has come back from yet was found by a handshake just now.
        if (udp.All(p => p.Probes < EnoughProbes && p.Echoes == 0) || Array.Exists(udp, p => p.State == "sizing" && p.Echoes < EnoughEchoes))
        {
            return new(DiagnosisCause.NotTried, $"{facts.Name} has not been tried directly yet, or only just now.", $"Send something to it, for example with `tunnelmesh ping {facts.Name} --until-direct`.");
        }

        if (facts.Stats is { IsSearching: true })
        {
            return new(DiagnosisCause.NotTried, $"A direct way to {facts.Name} is being looked for: the NAT of one side gives a new port for each destination, so its ports are tried by chance; meanwhile {Carried(facts, path)}.",
                $"Wait half a minute; `tunnelmesh ping {facts.Name} --until-direct` ends once there is one.");
        }

        bool here = facts.Nat is { V4.Behaviour: MappingBehaviour.Dependent } nat && !Forwards(nat), there = facts.Stats is { Nat: NatKind.Hard };
        return Array.Exists(udp, p => p.Echoes > 0) ? null : (here, there) switch
        {
            (true, true) => new(DiagnosisCause.HardNat, $"The NATs on both sides, here and of {facts.Name}, give a new port for each destination and forward none, so neither machine finds the other and {Carried(facts, path)}.",
                "One side is enough: switch on UPnP, NAT-PMP or PCP in its router, or forward the UDP port of its peer (`udp_port`); IPv6 on both sides helps as well."),
            (false, true) => new(DiagnosisCause.HardNat, $"The NAT of {facts.Name} gives a new port for each destination and forwards none, so this machine cannot find {facts.Name} and {Carried(facts, path)}.",
                $"Switch on UPnP, NAT-PMP or PCP in the router of {facts.Name}, or forward its UDP port (`udp_port`) there; IPv6 on both sides helps as well."),
            (true, false) => new(DiagnosisCause.HardNat, $"The NAT on this side gives a new port for each destination and forwards none{(facts.Stats?.Nat == NatKind.Unknown ? $", and what NAT {facts.Name} has is not known" : "")}, so {facts.Name} cannot find this machine and {Carried(facts, path)}.",
                "Switch on UPnP, NAT-PMP or PCP in the router here, or forward the UDP port of this peer (`udp_port`); IPv6 on both sides helps as well."),
            _ => null,
        };
    }

    private static PeerDiagnosis Theirs(PeerFacts facts, PathStats[] udp)
    {
        PathStats? answered = udp.Where(p => p.Echoes > 0).MinBy(p => p.HeardMsAgo ?? double.MaxValue);
        if (answered is { HeardMsAgo: < LatelyMs, Mtu: < UsualMtu })
        {
            return Small(facts, answered, answered.Mtu);
        }

        if (answered is { HeardMsAgo: var ago })
        {
            string since = ago is { } ms ? $" {Math.Round(ms / 1000)} s ago" : "";
            return new(DiagnosisCause.DirectLost, $"{facts.Name} was reached directly at {answered.Endpoint} and was last heard there{since}; it does not answer any more.",
                $"If it does not come back by itself, look for a firewall or a changed network near {facts.Name}; it is tried again all the time.");
        }

        string addresses = udp.Length == 1 ? $"The UDP address of {facts.Name} does not answer" : $"None of the {udp.Length} UDP addresses of {facts.Name} answers";
        return facts.Nat is { V4.Endpoints.Count: > 0 } or { V6.Endpoints.Count: > 0 }
            ? new(DiagnosisCause.NoAnswer, $"{addresses}, and UDP works here: most likely a firewall or a hard NAT on its side keeps them out.",
                $"Run `tunnelmesh netcheck` on {facts.Name}; opening or forwarding its UDP port there helps.")
            : new(DiagnosisCause.NoAnswer, $"{addresses}; a firewall or a hard NAT on either side keeps them out.",
                $"Run `tunnelmesh netcheck` here and on {facts.Name}; opening or forwarding the UDP port of either side helps.");
    }

    private static PeerDiagnosis Small(PeerFacts facts, PathStats path, int mtu) => new(DiagnosisCause.SmallPacketsOnly,
        $"Small packets reach {facts.Name} at {path.Endpoint}, but {(mtu > Paths.PeerPaths.SmallSize ? $"none larger than {mtu} bytes" : "large ones do not")}.",
        "A link in between has a small MTU and says nothing about it: let ICMP through there, or correct the MTU of that link.");

    private static bool Forwards(NatReport nat) => (nat.MappingV4 is { IsPublic: true } && nat.MappingAgrees) || nat.MappingV6 is { IsPublic: true };

    private static string[] Common(PeerFacts facts) => [.. facts.PeerTransports.Count > 0 ? facts.OwnTransports.Intersect(facts.PeerTransports) : facts.OwnTransports];

    private static string Listed(IReadOnlyList<string> transports) => string.Join(" and ", transports);

    private static string Carried(PeerFacts facts, string path) => path switch
    {
        "relay" => $"traffic with {facts.Name} goes through the relay",
        "ssh" => $"traffic with {facts.Name} goes over SSH",
        _ => $"nothing reaches {facts.Name}",
    };
}
