using System.CommandLine;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>init --peer</c>: writes a commented configuration.</summary>
internal static class InitCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        Option<bool> peer = new("--peer") { Description = "Write a commented configuration of a peer", Required = true };
        Option<string> file = new("--output") { Description = "Where to write it", DefaultValueFactory = _ => "peer.yaml" };
        Option<bool> force = new("--force") { Description = "Replace an existing file" };
        Command command = new("init", "Write a configuration that is valid as it is") { peer, file, force };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            if (!parsed.GetValue(force) && File.Exists(path))
            {
                throw new ConfigException($"{path} exists already. Give --force to replace it, or another --output.");
            }
            File.WriteAllText(path, ConfigPrinter.Print());
            parsed.InvocationConfiguration.Output.WriteLine($"Wrote {path}.");
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
