using System.CommandLine;
using System.CommandLine.Completions;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Trust;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>context create|list|use|show|delete</c>: memberships of several meshes on one machine.</summary>
internal static class ContextCommand
{
    // The peers that give names up and take them over may each run slow programs for it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => new("context", "Show, make and choose contexts: one membership of a mesh each")
    {
        Make(commands), List(commands), Use(commands), Show(commands), Delete(commands),
    };

    /// <summary>One line a context.</summary>
    internal static void Print(IEnumerable<ContextReport> contexts, TextWriter output) => HumanTable.Print(
        ["", "CONTEXT", "STATE", "NAMES", "DEVICE", "ADDRESS", "RANGE", "INTERFACE", "COORDINATOR"],
        contexts.Select(c => new[] { c.Active ? "*" : "", c.Name, c.State, c.Names ? "yes" : "", c.Device ?? "", c.MeshIp ?? "", c.MeshCidr ?? "", c.Interface ?? "", c.Coordinator ?? "" }),
        output);

    /// <summary>A context for people.</summary>
    internal static string Print(ContextReport c) =>
        $"""
        Context       {c.Name}{(c.Active ? ", in use: commands without --context are about it" : "")}
        Peer          {c.State}{(c.Names ? ", and answers what programs of this system ask for names" : "")}
        Device        {(c.Device is null ? "member of no mesh" : $"{c.Device} ({c.DeviceId})")}
        Mesh address  {(c.MeshIp is null ? "" : $"{c.MeshIp}, {c.MeshIp6}")}
        Mesh          {(c.MeshCidr is null ? "" : $"{c.MeshCidr}{(c.MeshId is null ? "" : $", ID {c.MeshId}")}")}
        Mesh CA       {(c.CaSha256 is null ? "" : $"SHA-256 {c.CaSha256}")}
        Coordinator   {c.Coordinator}
        Interface     {c.Interface}
        Ports         {(c.UdpPort is null ? "" : $"UDP {c.UdpPort}, TCP {c.SshPort}, resolver at {c.DnsListen ?? "the mesh address only"}")}
        Directory     {c.Directory}
        Configuration {c.Config ?? "none: the defaults hold"}
        Socket        {c.Socket}
        Service       {c.Service}{(c.Problem is null ? "" : $"{Environment.NewLine}Problem       {c.Problem}")}
        """;

    private static Command Make(CommandContext commands)
    {
        Argument<string> name = new("context") { Description = "Its name: letters, digits and hyphens" };
        Command command = new("create", "Make a context; with --config, that file becomes its configuration") { name };
        command.SetAction(parsed =>
        {
            string which = ContextName.Require(parsed.GetValue(name)!);
            ContextStore contexts = commands.Contexts;
            if (contexts.Exists(which))
            {
                throw new HostException(ExitCode.General, $"There is a context {which} already. `tunnelmesh context show {which}` tells about it.");
            }
            string? config = parsed.GetValue(commands.Config);
            // Before anything is made.
            Settings settings = config is null ? commands.LoadSettings(parsed, which) : ConfigReader.ReadFile(config, defaults: ContextDefaults.Of(which, contexts.NumberOf(which)));
            contexts.Ensure(which);
            if (config is not null)
            {
                contexts.KeepConfig(which, File.ReadAllBytes(config));
            }
            parsed.InvocationConfiguration.Output.WriteLine(
                $"""
                Made the context {which}: interface {settings.TunName}, UDP port {settings.EffectiveUdpPort}, TCP port {settings.SshPort}.
                Configuration: {(config is null ? $"{contexts.ConfigFile(which)}, if you write one" : $"{contexts.ConfigFile(which)}, a copy of {config}")}
                To join a mesh: tunnelmesh join HOST:PORT --context {which}
                """);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command List(CommandContext commands)
    {
        Option<bool> json = QueryCommand.Json();
        Command command = new("list", "List the contexts; a star marks the one in use") { json };
        command.SetAction(async (parsed, cancellation) =>
        {
            ContextInspector inspector = new(commands.Layout);
            IReadOnlyList<ContextReport> contexts = await Task.WhenAll(inspector.Names().Select(n => inspector.InspectAsync(n, cancellation)));
            return QueryCommand.Write(parsed, json, contexts, ContextJson.Default.IReadOnlyListContextReport, output =>
            {
                Print(contexts, output);
                foreach (ContextReport damaged in contexts.Where(c => c.Problem is not null))
                {
                    output.WriteLine($"{damaged.Name}: {damaged.Problem}");
                }
            });
        });
        return command;
    }

    private static Command Show(CommandContext commands)
    {
        Argument<string?> name = Named(commands, required: false, "Which (default: the one in use)");
        Option<bool> json = QueryCommand.Json();
        Command command = new("show", "Show a context: membership, interface, ports, files") { name, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = Known(commands, parsed.GetValue(name) ?? commands.Layout.ActiveContext);
            ContextReport report = await new ContextInspector(commands.Layout).InspectAsync(which, cancellation);
            return QueryCommand.Write(parsed, json, report, ContextJson.Default.ContextReport, output => output.WriteLine(Print(report)));
        });
        return command;
    }

    private static Command Use(CommandContext commands)
    {
        Argument<string?> name = Named(commands, required: true, "Which");
        Command command = new("use", "Have commands without --context be about this one, and its mesh answer names") { name };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = Known(commands, parsed.GetValue(name)!);
            TextWriter output = parsed.InvocationConfiguration.Output, error = parsed.InvocationConfiguration.Error;
            commands.Contexts.Activate(which);
            await output.WriteLineAsync($"The context {which} is in use: commands without --context are about it.");
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(Patience);
            try
            {
                using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, which, patience.Token);
                DnsReport dns = await client.TakeNamesAsync(patience.Token);
                if (dns.System is { } way)
                {
                    await output.WriteLineAsync($"Programs of this system have names answered by its mesh, by {way}.");
                    return (int)ExitCode.Ok;
                }
                await error.WriteLineAsync($"tunnelmesh: programs of this system do not resolve names of its mesh: {dns.Problem ?? "dns.system is false in its configuration."}");
                return (int)ExitCode.Ok;
            }
            catch (PeerNotRunningException)
            {
                await output.WriteLineAsync("Its peer does not run. When it does, names of its mesh are answered to programs of this system; until then those of a mesh that runs.");
                return (int)ExitCode.Ok;
            }
            catch (LocalApiException e) when (e.Code == LocalErrorCodes.Starting)
            {
                await output.WriteLineAsync("Its peer is starting, and has names of its mesh answered to programs of this system when it is usable.");
                return (int)ExitCode.Ok;
            }
            catch (LocalApiException e) when (e.Code == LocalErrorCodes.Forbidden)
            {
                throw new HostException(ExitCode.Permission, "Which mesh answers names to programs of this system is changed by root and the user who runs the peer only: run this as root, too.", e);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new HostException(ExitCode.General, $"The peer did not answer within {Patience.TotalSeconds:0} s, so names may still be answered by another mesh. `tunnelmesh context list` shows it.");
            }
        });
        return command;
    }

    private static Command Delete(CommandContext commands)
    {
        Argument<string?> name = Named(commands, required: true, "Which");
        Option<bool> yes = Confirmation.Yes();
        Command command = new("delete", "Destroy a context whose peer does not run: device key, membership, configuration") { name, yes };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = ContextName.Require(parsed.GetValue(name)!);
            ContextStore contexts = commands.Contexts;
            if (!contexts.Exists(which))
            {
                // It is listed all the same, as the one that is always there or the one in use.
                if (which != ContextName.Default && which != commands.Layout.ActiveContext)
                {
                    throw Unknown(commands, which);
                }
                contexts.Deactivate(which);
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"The context {which} has nothing here that could be deleted.{InUseNow(which != ContextName.Default)}");
                return (int)ExitCode.Ok;
            }
            ContextReport report = await new ContextInspector(commands.Layout).InspectAsync(which, cancellation);
            Refuse(commands, report);
            TextWriter error = parsed.InvocationConfiguration.Error;
            if (contexts.HoldsIdentity(which) && !parsed.GetValue(yes) && !Confirmation.Ask(Question(report), error))
            {
                await error.WriteLineAsync("Nothing was deleted.");
                return (int)ExitCode.General;
            }
            // The journals in it are what would undo it.
            if (new LeftBehind(commands.Layout, which).Undo(error) is { } stays)
            {
                throw new HostException(ExitCode.General, $"{stays} Nothing was deleted.");
            }
            contexts.Delete(which);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"The context {which} is deleted.{InUseNow(report.Active && which != ContextName.Default)}");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static string InUseNow(bool changed) => changed ? $" The context {ContextName.Default} is in use now." : "";

    // What still stands on the context has to go first, each by the command that undoes it.
    private static void Refuse(CommandContext commands, ContextReport report)
    {
        if (report.State != ContextInspector.Stopped)
        {
            throw new HostException(ExitCode.InUse, $"The peer of the context {report.Name} is running. Stop it first, by Ctrl-C where it runs or: {Service(report, "stop")}");
        }
        // One by the same name may be of another home.
        string home = commands.Environment.Home is null ? $"HOME={commands.Environment.UserHome}" : commands.Layout.Home;
        if (ServiceManager.ForThisSystem(null).DescriptionFile(report.Service) is { } file && File.Exists(file) && File.ReadAllText(file).Contains(home, StringComparison.Ordinal))
        {
            throw new HostException(ExitCode.InUse, $"The system has a service {report.Service} for the context ({file}). Remove it first: {Service(report, "uninstall")}");
        }
        if (File.Exists(TrustRecord.Of(commands.Layout, report.Name).Path))
        {
            throw new HostException(ExitCode.InUse, $"The system trusts the CA of the context's mesh, and only this context knows which. Take it out first: tunnelmesh trust-ca --remove --context {report.Name}");
        }
    }

    private static string Service(ContextReport report, string verb) =>
        $"{(report.Service == ServiceDefinition.NameOf(report.Name) ? $"tunnelmesh service {verb}" : $"sudo tunnelmesh service {verb} --user")} --context {report.Name}";

    private static string Question(ContextReport report) => report.Device is { } device
        ? $"Destroy the context {report.Name} with the keys of its device {device} in the mesh of {report.Coordinator}? They cannot be made again, and that mesh keeps the device in its list unless the peer is run and `tunnelmesh leave` given first."
        : $"Destroy the context {report.Name} with its device key and configuration?";

    private static string Known(CommandContext commands, string name) =>
        new ContextInspector(commands.Layout).Knows(ContextName.Require(name)) ? name : throw Unknown(commands, name);

    private static HostException Unknown(CommandContext commands, string name) =>
        new(ExitCode.General, $"There is no context {name}.{new ContextInspector(commands.Layout).Hint(name)} `tunnelmesh context list` shows those that are here; `tunnelmesh context create {name}` makes it.");

    private static Argument<string?> Named(CommandContext commands, bool required, string description)
    {
        Argument<string?> name = new("context") { Description = description, Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };
        name.CompletionSources.Add(_ => commands.Contexts.Names().Select(n => new CompletionItem(n)));
        return name;
    }
}
