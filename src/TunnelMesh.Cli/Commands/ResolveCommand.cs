using System.CommandLine;
using System.Text.Json;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>resolve NAME</c>: addresses of a device.</summary>
internal static class ResolveCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string> name = new("name") { Description = "Name of a device" };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("resolve", "Show the addresses of a device") { name, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            ResolveReport found = await client.ResolveAsync(parsed.GetValue(name)!, cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(parsed.GetValue(json)
                ? JsonSerializer.Serialize(found, LocalApiJson.Default.ResolveReport)
                : string.Join(Environment.NewLine, found.Ip.Concat(found.Ip6)));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
