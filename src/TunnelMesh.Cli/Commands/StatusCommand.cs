using System.CommandLine;
using System.Globalization;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>status</c>: the state of the running peer.</summary>
internal static class StatusCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("status", "Show the state of the running peer") { context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = parsed.GetValue(context)!;
            using LocalApiClient client = await ConnectAsync(commands, which, cancellation);
            StatusReport s = await client.StatusAsync(cancellation);
            return QueryCommand.Write(parsed, json, s, LocalApiJson.Default.StatusReport, output => output.WriteLine(Print(s, TimeProvider.System.GetUtcNow())));
        });
        return command;
    }

    // Whoever finds the internet gone looks here first.
    private static async Task<LocalApiClient> ConnectAsync(CommandContext commands, string which, CancellationToken cancellation)
    {
        try
        {
            return await QueryCommand.ConnectAsync(commands.Layout, which, cancellation);
        }
        catch (PeerNotRunningException e) when (ExitCommand.IsLeftClosed(commands, which))
        {
            throw new PeerNotRunningException($"{e.Message} Its kill switch holds still: nothing leaves this machine until the peer runs, or is let by: tunnelmesh exit open{commands.Flag(which)}");
        }
    }

    /// <summary>The report for people.</summary>
    internal static string Print(StatusReport s, DateTimeOffset now) =>
        $"""
        Name          {s.Name}.{s.Domain}
        Peer ID       {s.PeerId}
        Device ID     {s.DeviceId}
        Mesh address  {s.MeshIp}, {s.MeshIp6}
        Mesh range    {s.MeshCidr}
        Coordinator   {s.Coordinator.Url}, {s.Coordinator.State}{(s.Coordinator.Since is { } since ? $" for {HumanText.Duration(now - since)}" : "")}
        Relay         {Relay(s.Relay, now)}
        Interface     {Interface(s.Tun)}
        Guard         {Guard(s.Guard, s.Tun.Name)}
        Data plane    {DataPlane(s.DataPlane)}
        DNS           {Dns(s.Dns)}
        Exit          {Exit(s.Exit, now)}
        Peers         {s.PeersOnline} of {s.PeersTotal} online{(s.Coordinator.State == "connected" ? "" : " as the coordinator told last; it is not reached now")}
        Version       {s.Version}, up for {HumanText.Duration(TimeSpan.FromSeconds(s.UptimeSeconds))}
        """;

    /// <summary>The mesh's interface, and what somebody has done to it, for people.</summary>
    internal static string Interface(TunReport tun)
    {
        string again = tun.Restored == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" (put back {tun.Restored} times, after somebody had changed it)");
        return $"{tun.Name}, MTU {tun.Mtu}{again}{(tun.Problem is { } problem ? $": NOT AS IT HAS TO BE, so packets for the mesh may leave this machine by other ways: {problem}" : "")}";
    }

    /// <summary>Whether addresses of the mesh come in by its interface only, for people.</summary>
    internal static string Guard(GuardReport? guard, string tun) => guard switch
    {
        null => "the peer does not tell",
        { Enforced: true, Problem: { } problem } => $"addresses of the mesh come in by {tun} only (rules of {guard.By}); {problem}",
        { Enforced: true } => $"addresses of the mesh come in by {tun} only (rules of {guard.By})",
        _ => $"NONE: packets with addresses of the mesh get in by other interfaces than {tun}, too: {guard.Problem}",
    };

    private static string Dns(DnsReport dns) =>
        $"{(dns.Listen.Count == 0 ? "no resolver" : $"resolver at {string.Join(", ", dns.Listen)}")}; {(dns.System is { } way ? $"the system is set up by {way}{(dns.SystemRestored == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" (again {dns.SystemRestored} times, after somebody had taken it away)"))}" : "the system is not set up")}{(dns.Aliases.Count == 0 ? "" : $"; also called {string.Join(", ", dns.Aliases)}")}{(dns.Problem is { } problem ? $": {problem}" : "")}";

    private static string Exit(ExitReport exit, DateTimeOffset now)
    {
        string again = exit.RulesRestored == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" (its rules again {exit.RulesRestored} times, after somebody had taken them away)");
        string problem = exit.Problem is { } told ? $"{again}: {told}" : again;
        if (exit.Peer is not { } peer)
        {
            return (exit.Allows ? "lets the traffic of other peers out to the internet" : "not used") + problem;
        }
        string state = exit.State switch
        {
            "active" => "answers",
            "not_offered" => "does not let traffic out",
            "unknown" => "is no device of the mesh",
            "self" => "is this device itself",
            "starting" => "is waited for",
            _ => "does not answer",
        };
        string traffic = exit.Traffic switch { "exit" => "traffic to the internet leaves there", "blocked" => "traffic to the internet is BLOCKED", _ => "traffic to the internet goes out DIRECTLY" };
        return $"{peer} {state}; {traffic}{(exit.Since is { } since ? $" for {HumanText.Duration(now - since)}" : "")}{(exit.KillSwitch ? $", kill switch on{(exit.KillSwitchAtBoot ? ", from the start of the machine on" : "")}" : "")}{problem}";
    }

    private static string Relay(RelayReport? relay, DateTimeOffset now) => relay switch
    {
        null => "not used",
        { Silent: true } => $"{relay.Url}, silent for {HumanText.Duration(now - relay.Since)}",
        { Open: true } => $"{relay.Url}, open for {HumanText.Duration(now - relay.Since)}",
        _ => $"{relay.Url}, not open for {HumanText.Duration(now - relay.Since)}{(relay.Problem is { } problem ? $": {problem}" : "")}",
    };

    private static string DataPlane(DataPlaneReport? plane) => plane is null
        ? "starting"
        : $"cipher {plane.Cipher}, offloads TUN {List(plane.TunOffloads)}, UDP {List(plane.UdpOffloads)}; {plane.Drops.Values.Sum()} packets dropped";

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(' ', names);
}
