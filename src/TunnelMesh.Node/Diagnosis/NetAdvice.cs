using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Node.Diagnosis;

/// <summary>What is wrong with the network of this machine, and what would help. Pure.</summary>
public static class NetAdvice
{
    /// <summary>A sentence or two for each thing that is wrong, the worst first; empty when all is well.</summary>
    /// <param name="report">What was found; its own advice is not looked at.</param>
    public static IReadOnlyList<string> Of(NetCheckReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return [.. All(report)];
    }

    private static string Sentence(string text) => text.EndsWith('.') || text.EndsWith('?') || text.EndsWith('!') ? text : text + ".";

    private static IEnumerable<string> All(NetCheckReport report)
    {
        if (!report.Ipv4.Usable && !report.Ipv6.Usable && report.Relay is not { Open: true })
        {
            // Whatever else is wrong follows from it.
            yield return "This machine has no usable network: there is neither a default route nor a STUN server that answers.";
            yield break;
        }

        if (report.UdpBlocked == true)
        {
            yield return "UDP is blocked: no STUN server answers, so peers are reached over SSH or the relay only. Let UDP out, and answers in, in the firewall here."
                + (report.SshPort is { } port ? FormattableString.Invariant($" Where it may not pass, TCP {port} (`ssh_port`) is the other direct way.") : "");
        }

        if (report is { StunSilent: true, UdpBlocked: not true })
        {
            string udp = report.UdpBlocked == false ? "UDP works with peers" : "whether UDP passes is not known";
            yield return report.CoordinatorReached
                ? $"No STUN server answers, though {udp}: let UDP in to its ports (3478 and 3479 by default) in the firewall of the coordinator."
                : $"No STUN server answers, because the coordinator is not reached; {udp}. Look whether the coordinator runs and is reached from here; `tunnelmesh status` shows its address.";
        }

        if (report is { StunSilent: false, UdpBlocked: null })
        {
            yield return "No STUN server is known, so nobody tells how this machine is seen from outside. Coordinators serve STUN unless `coordinator.stun_listen` is off.";
        }

        if (report.Ipv4.Mapping == "hard" && !report.PortMapping.Holds)
        {
            yield return "The NAT here is hard: it gives a new port for each destination. Peers behind another hard NAT are reached through the relay only, unless the router forwards a port: "
                + (report.PortMapping.Enabled ? "switch on UPnP, NAT-PMP or PCP in it, or forward the UDP port by hand." : "`port_mapping` is switched off here.");
        }

        if (report.PortMapping is { External: { } external, Holds: false })
        {
            yield return $"The router forwards {external}, which is not how others see this machine: there is a second NAT behind it, so the mapping helps nobody outside.";
        }

        if (report.Relay is { Open: false } relay)
        {
            yield return $"The stream to the relay is not open{(relay.Problem is { } problem ? $": {Sentence(problem)}" : ".")} While it is closed, peers that cannot be reached directly are not reached at all.";
        }
    }
}
