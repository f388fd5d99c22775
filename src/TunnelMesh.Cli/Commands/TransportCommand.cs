using System.CommandLine;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>transport</c>: the orders of transports that the mesh keeps for devices and pairs. Runs on a coordinator.</summary>
internal static class TransportCommand
{
    private const string Default = "default";

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string?> peer = new("peer") { Description = "Name, mesh address or device ID; without it every order is listed", Arity = ArgumentArity.ZeroOrOne };
        Argument<string?> order = new("order") { Description = "Transports, the preferred first, such as ssh,udp,relay; `default` takes the order away", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> with = new("--with") { Description = "Only between the device and this one", HelpName = "PEER" };
        return QueryCommand.Asks(
            commands,
            new Command("transport", "Show or set in which order the mesh uses transports for a device or a pair (on a coordinator)") { peer, order, with },
            (client, parsed, cancellation) => client.TransportsAsync(parsed.GetValue(peer), parsed.GetValue(with), Parse(parsed.GetValue(order)), cancellation),
            LocalApiJson.Default.IReadOnlyListTransportReport,
            (orders, parsed, output) => Print(orders, parsed.GetValue(peer), parsed.GetValue(with), output),
            parsed =>
            {
                if (parsed.GetValue(with) is not null && parsed.GetValue(peer) is null)
                {
                    throw new HostException(ExitCode.Usage, "--with names the second device of a pair; say the first as well: tunnelmesh transport PEER --with PEER");
                }
                if (Parse(parsed.GetValue(order)) is { } transports && TransportOrderReports.FaultOf(transports) is { } fault)
                {
                    throw new HostException(ExitCode.Usage, fault);
                }
            });
    }

    /// <summary>The order that is meant: null for none given, empty to take one away.</summary>
    /// <param name="text">Names with commas between, or <c>default</c>.</param>
    internal static IReadOnlyList<string>? Parse(string? text) => text?.Trim().ToLowerInvariant() switch
    {
        null => null,
        Default => [],
        { } names => [.. names.Trim('[', ']').Split(',', StringSplitOptions.TrimEntries)],
    };

    /// <summary>One line an order, in the order they were set, and for a pair what holds of them.</summary>
    /// <param name="orders">Those that concern what was asked for.</param>
    /// <param name="device">The device asked for; null for all.</param>
    /// <param name="other">The other one of a pair, or null.</param>
    /// <param name="output">Where to.</param>
    internal static void Print(IReadOnlyList<TransportReport> orders, string? device, string? other, TextWriter output)
    {
        if (orders.Count == 0)
        {
            output.WriteLine(
                device is null ? "No order is set: each device goes by its own configuration."
                : other is null ? $"No order is set for {device}. An order that another device has holds between the two as well (`tunnelmesh transport` lists all); else each goes by its own configuration."
                : $"No order holds between {device} and {other}: each goes by its own configuration.");
            return;
        }
        HumanTable.Print(["DEVICE", "WITH", "TRANSPORTS"], orders.Select(o => new[] { o.Name, o.With ?? "all", string.Join(", ", o.Transports) }), output);
        if (other is not null)
        {
            // As peers choose: the pair's own, else the later.
            TransportReport holds = orders.LastOrDefault(o => o.With is not null) ?? orders[^1];
            output.WriteLine($"Between {device} and {other} holds {string.Join(", ", holds.Transports)} ({(holds.With is null ? $"set for {holds.Name}" : "set for the pair")}).");
        }
    }
}
