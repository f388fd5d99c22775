using System.CommandLine;
using System.Runtime.InteropServices;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Cli.Trust;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>join [server]</c>: runs a peer until it is told to stop.</summary>
internal static class JoinCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext context)
    {
        Argument<string?> server = new("server")
        {
            Description = "Coordinator, host:port (default: TUNNELMESH_SERVER; with neither this machine becomes the coordinator)",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> wantedName = new("--name", "-n") { Description = "Name of this device in the mesh (default: the host name)" };
        Option<string> contextName = context.ContextOption();
        Option<string?> pin = new("--ca-pin") { Description = "SHA-256 of the mesh root, 64 hex digits: join this mesh only" };
        Option<string?> exitNode = new("--exit-node", "--exit-peer") { Description = "Peer through which traffic to the internet leaves (default: exit_peer of the configuration)", HelpName = "name" };
        Option<bool> allowExit = new("--allow-exit-traffic") { Description = "Let the traffic of other peers out to the internet" };
        Command command = new("join", "Join a mesh, or found one, and stay in it") { server, wantedName, contextName, pin, exitNode, allowExit };
        IReadOnlyList<Option> later = LaterOptions.AddTo(command);
        command.SetAction(async parsed =>
        {
            LaterOptions.Refuse(parsed, later);
            string which = parsed.GetValue(contextName)!;
            int number = context.Contexts.NumberOf(which);
            Settings settings = context.LoadSettings(parsed, which);
            ExitSettings.Apply(settings, parsed.GetValue(exitNode), parsed.GetValue(allowExit));
            InvocationConfiguration streams = parsed.InvocationConfiguration;
            StandardErrorLogger log = new(streams.Error, TimeProvider.System) { Level = context.ChooseLevel(parsed, settings) };
            InterfaceBinding? binding = OwnSockets.For(settings, TimeProvider.System);
            Action<System.Net.Sockets.Socket>? mark = FirewallMark.For(settings.FirewallMark) ?? (binding is null ? null : binding.Configure);
            bool replaced = false;
            using ServiceNotifier? service = ServiceNotifier.Open(context.Environment);
            string name = ChooseName(parsed.GetValue(wantedName), settings.Name, Environment.MachineName, out bool asked);
            PeerHostOptions options = new()
            {
                Settings = settings,
                ReadSettings = () => context.LoadSettings(parsed, which),
                Layout = context.Layout,
                Context = which,
                ContextNumber = number,
                Server = ReadServer(parsed.GetValue(server) ?? context.Environment.Server),
                Dialling = new Dialling { Proxy = ReadProxy(context.Environment.Proxy), ConfigureSocket = mark },
                MarkSocket = mark,
                Binding = binding,
                Token = context.Environment.Token,
                CaPin = ReadPin(parsed.GetValue(pin)),
                Name = name,
                AskedName = asked ? name : null,
                Version = Program.Version,
                // A running peer outlives whoever reads its output.
                Output = new ForgivingWriter(streams.Output),
                Error = streams.Error,
                Service = service,
                StopsUnasked = () => Volatile.Read(ref replaced),
                Log = log,
            };
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(context.Environment.ServiceStop);
            StopSignals signals = new(stop, TimeProvider.System);
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = signals.Take());
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = signals.Take());
            // The watchdog's (docs/service.md): an end in order that nobody asked for.
            using PosixSignalRegistration? quit = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal =>
            {
                if (!stop.IsCancellationRequested)
                {
                    Volatile.Write(ref replaced, true);
                }
                signal.Cancel = signals.Take();
            });
            TrustOffer offer = new(context.Layout, which, context.Flag(which), streams.Error, log, TimeProvider.System);
            using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            Task asking = Task.CompletedTask;
            try
            {
                await PeerHost.RunAsync(options with
                {
                    Connected = member => asking = Task.Run(() => offer.RunAsync(member, over.Token), CancellationToken.None),
                }, stop.Token);
            }
            finally
            {
                await over.CancelAsync();
                await asking;
            }
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The name asked for: the flag's, else the configuration's, else the host's made fit.</summary>
    /// <param name="flag">Of <c>--name</c>, or null.</param>
    /// <param name="configured">Of the configuration; empty for none.</param>
    /// <param name="host">The host's.</param>
    /// <param name="asked">True when somebody chose it: the flag or the configuration.</param>
    /// <exception cref="HostException">The flag is no name, or what was chosen is reserved.</exception>
    internal static string ChooseName(string? flag, string configured, string host, out bool asked)
    {
        string? given = flag ?? (configured.Length > 0 ? configured : null);
        asked = given is not null;
        if (given is not null)
        {
            string name = given.ToLowerInvariant();
            return !MeshName.IsValid(name) ? throw new HostException(ExitCode.Usage, $"`{given}` is no name for a device: use letters, digits and hyphens, at most 63, no hyphen at an end.")
                : MeshName.IsReserved(name) ? throw new HostException(flag is null ? ExitCode.Configuration : ExitCode.Usage, $"`{given}` is reserved: it means something else in every mesh. Choose another name for this device.")
                : name;
        }
        string made = MeshName.Sanitize(host);
        // Nobody chose this name, so nobody has to be told that it means something else in a mesh.
        return MeshName.IsReserved(made) ? MeshName.WithSuffix(made, 1) : made;
    }

    private static CoordinatorAddress? ReadServer(string? text) =>
        text is null ? null
        : CoordinatorAddress.TryParse(text, out CoordinatorAddress? server) ? server
        : throw new HostException(ExitCode.Usage, $"`{text}` is no coordinator: expected host, host:port or [IPv6]:port.");

    private static ProxySettings ReadProxy(Func<string, string?> variable)
    {
        try
        {
            return ProxySettings.Read(variable);
        }
        catch (FormatException e)
        {
            throw new HostException(ExitCode.Configuration, e.Message, e);
        }
    }

    private static byte[]? ReadPin(string? text)
    {
        if (text is null)
        {
            return null;
        }
        string digits = text.Replace(":", "", StringComparison.Ordinal);
        return digits.Length == 64 && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new HostException(ExitCode.Usage, "--ca-pin takes a SHA-256, 64 hex digits; the coordinator's log names it as ca_sha256.");
    }
}
