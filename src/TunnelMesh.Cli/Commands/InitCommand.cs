using System.CommandLine;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>init</c>: the identity key, made when there is none; with <c>--peer</c> a commented configuration too.</summary>
internal static class InitCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext context)
    {
        Option<bool> peer = new("--peer") { Description = "Write a commented configuration of a peer, too" };
        Option<string> file = new("--output") { Description = "Where to write the configuration", DefaultValueFactory = _ => "peer.yaml", HelpName = "FILE" };
        Option<bool> force = new("--force") { Description = "Replace an existing configuration; a key is never replaced" };
        Command command = new("init", "Make the identity key if there is none, and show the peer ID") { peer, file, force };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            bool configuration = parsed.GetValue(peer);
            if (!configuration && parsed.GetResult(file) is { Implicit: false })
            {
                throw new HostException(ExitCode.Usage, "--output names the configuration, which is written with --peer only.");
            }
            if (configuration && !parsed.GetValue(force) && File.Exists(path))
            {
                throw new ConfigException($"{path} exists already. Give --force to replace it, or another --output.");
            }
            if (configuration)
            {
                CheckFolder(path);
            }
            // What TUNNELMESH_CONFIG names has to exist, unless it is about to be written.
            bool first = configuration && parsed.GetValue(context.Config) is null && context.Environment.Config is { } named && !File.Exists(named) && Path.GetFullPath(named) == Path.GetFullPath(path);
            Settings settings = first ? new Settings() : context.LoadSettings(parsed, context.Layout.ActiveContext);
            string key = context.Layout.Expand(settings.PrivateKey, context.Layout.IdentityKey);
            IdentityKey identity = IdentityStore.LoadOrCreate(key, out bool made);
            TextWriter output = parsed.InvocationConfiguration.Output;
            output.WriteLine($"Peer ID      {PeerId.FromIdentityKey(identity.PublicKey)}");
            output.WriteLine($"Identity key {key}{(made ? " (made now)" : IdentityStore.IsExposed(key) ? " (others may read it: run chmod 600 on it)" : "")}");
            if (configuration)
            {
                File.WriteAllText(path, ConfigPrinter.Print());
                output.WriteLine($"Wrote {path}.");
            }
            return (int)ExitCode.Ok;
        });
        return command;
    }

    // Before anything is made.
    private static void CheckFolder(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            throw new ConfigException($"{path} is a directory. Name a file in --output.");
        }
        if (Path.GetDirectoryName(full) is { } folder && !Directory.Exists(folder))
        {
            throw new ConfigException($"There is no directory {folder}. Make it first, or name another --output.");
        }
    }
}
