using System.CommandLine;
using System.Text.Json;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>status</c>: the state of the running peer.</summary>
internal static class StatusCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = QueryCommand.Context();
        Option<bool> json = QueryCommand.Json();
        Command command = new("status", "Show the state of the running peer") { context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            StatusReport s = await client.StatusAsync(cancellation);
            TextWriter output = parsed.InvocationConfiguration.Output;
            await output.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(s, LocalApiJson.Default.StatusReport)
                : Print(s, TimeProvider.System.GetUtcNow()));
            return (int)ExitCode.Ok;
        });
        return command;
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
        Interface     {s.Tun.Name}, MTU {s.Tun.Mtu}
        Data plane    {DataPlane(s.DataPlane)}
        DNS           {Dns(s.Dns)}
        Peers         {s.PeersOnline} of {s.PeersTotal} online{(s.Coordinator.State == "connected" ? "" : " as the coordinator told last; it is not reached now")}
        Version       {s.Version}, up for {HumanText.Duration(TimeSpan.FromSeconds(s.UptimeSeconds))}
        """;

    private static string Dns(DnsReport dns) =>
        $"{(dns.Listen.Count == 0 ? "no resolver" : $"resolver at {string.Join(", ", dns.Listen)}")}; {(dns.System is { } way ? $"the system is set up by {way}" : "the system is not set up")}{(dns.Problem is { } problem ? $": {problem}" : "")}";

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
