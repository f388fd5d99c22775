using System.CommandLine;
using System.Globalization;
using System.Text;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>netcheck</c>: how the network lets others reach this machine.</summary>
internal static class NetCheckCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => QueryCommand.Asks(
        commands,
        new Command("netcheck", "Show how the network lets others reach this machine"),
        (client, _, cancellation) => client.CheckNetworkAsync(cancellation),
        LocalApiJson.Default.NetCheckReport,
        (report, _, output) => output.WriteLine(Print(report, TimeProvider.System.GetUtcNow())));

    /// <summary>The report for people.</summary>
    internal static string Print(NetCheckReport report, DateTimeOffset now)
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"UDP           port {report.UdpPort}, {Udp(report)}");
        Family(text, "IPv4", report.Ipv4);
        Family(text, "IPv6", report.Ipv6);
        text.AppendLine(CultureInfo.InvariantCulture, $"Seen as       {Seen(report)}");
        foreach (StunServerReport server in report.Ipv4.Servers.Concat(report.Ipv6.Servers))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"STUN          {server.Server}: {(server is { SeenAs: { } seen, RttMs: { } rtt } ? FormattableString.Invariant($"{rtt:0.0} ms, sees {seen}") : "no answer")}");
        }
        text.AppendLine(CultureInfo.InvariantCulture, $"Port mapping  {Mapping(report.PortMapping, now)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"Relay         {Relay(report.Relay, now)}");
        text.Append(CultureInfo.InvariantCulture, $"SSH           {(report.SshPort is { } port ? FormattableString.Invariant($"port {port}") : "not used")}");
        foreach (string advice in report.Advice)
        {
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"! {advice}");
        }
        return text.ToString();
    }

    private static string Seen(NetCheckReport report) => report switch
    {
        { PublicEndpoints.Count: > 0 } => string.Join(", ", report.PublicEndpoints),
        { UdpBlocked: true } or { Ipv4.Endpoints.Count: > 0 } or { Ipv6.Endpoints.Count: > 0 }
            or { Ipv4: { DefaultRoute: false, Addresses.Count: 0 }, Ipv6: { DefaultRoute: false, Addresses.Count: 0 } } => "nothing that others could use",
        { StunSilent: true } => "not known: no STUN server answers",
        _ => "not known: there is no STUN server to ask",
    };

    private static string Udp(NetCheckReport report) => report switch
    {
        { UdpBlocked: true } => "blocked: no STUN server answers",
        { UdpBlocked: false, StunSilent: true } => "works with peers, but no STUN server answers",
        { UdpBlocked: false } => "works",
        { StunSilent: true } => "not known: no STUN server answers, as the coordinator is not reached",
        _ => "not known: there is no STUN server to ask",
    };

    private static void Family(StringBuilder text, string name, NetCheckFamily family)
    {
        string nat = family.Mapping switch
        {
            "none" => ", no NAT",
            "easy" => $", easy NAT (one endpoint for everybody{(family.PortPreserved == true ? ", port kept" : "")})",
            "hard" => ", hard NAT (another endpoint for each destination)",
            _ when family.Endpoints.Count == 1 && family.Servers.Count(s => s.SeenAs is not null) > 1 =>
                ", probably an easy NAT (the same endpoint for both ports of the one server; it takes STUN servers at two addresses to be sure)",
            _ when family.Endpoints.Count > 0 => ", behind a NAT of unknown kind (only one STUN port answers; it takes two to tell)",
            _ => "",
        };
        text.AppendLine(CultureInfo.InvariantCulture, $"{name}          {(family.Usable ? "works" : family.Addresses.Count == 0 ? "no address" : "no way to the internet")}{nat}");
    }

    private static string Mapping(PortMappingReport mapping, DateTimeOffset now) => mapping switch
    {
        { External: { } external, Method: { } method } =>
            $"{external} by {method switch { "pcp" => "PCP", "nat_pmp" => "NAT-PMP", _ => "UPnP" }}{(mapping.Gateway is { } gateway ? $" from {gateway}" : "")}{(mapping.Expires is { } end ? $", for {HumanText.Duration(end - now)} unless renewed" : "")}{(mapping.Holds ? "" : ", of no use outside")}",
        { Enabled: false } => "switched off",
        { Problem: { } problem } => $"none: {problem}",
        _ => "none yet",
    };

    private static string Relay(RelayReport? relay, DateTimeOffset now) => relay switch
    {
        null => "not used",
        { Silent: true } => $"{relay.Url}, silent for {HumanText.Duration(now - relay.Since)}",
        { Open: true } => $"{relay.Url}{(relay.RttMs is { } rtt ? FormattableString.Invariant($", {rtt:0.0} ms") : "")}",
        _ => $"{relay.Url}, not open{(relay.Problem is { } problem ? $": {problem}" : "")}",
    };
}
