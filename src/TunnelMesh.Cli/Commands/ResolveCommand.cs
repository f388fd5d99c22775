using System.CommandLine;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>resolve NAME</c>: addresses of a device.</summary>
internal static class ResolveCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string> name = new("name") { Description = "Name of a device" };
        return QueryCommand.Asks(
            commands,
            new Command("resolve", "Show the addresses of a device") { name },
            (client, parsed, cancellation) => client.ResolveAsync(parsed.GetValue(name)!, cancellation),
            LocalApiJson.Default.ResolveReport,
            (found, _, output) => output.WriteLine(string.Join(Environment.NewLine, found.Ip.Concat(found.Ip6))));
    }
}
