using System.CommandLine;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli;

/// <summary>Entry point: the command line, and exceptions turned into one message and an exit code.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        // Answered before any option parser is built, because scripts call it often.
        if (args is ["version"] or ["--version"])
        {
            Console.Out.WriteLine($"tunnelmesh {Version}");
            return (int)ExitCode.Ok;
        }
        HomeLayout layout = new(ProcessEnvironment.Read(), UnixUsers.EffectiveUserId == 0);
        return await RunAsync(args, layout, Console.Out, Console.Error);
    }

    private static string Version => typeof(Program).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    /// <summary>Runs one command line; no exception leaves it for bad input.</summary>
    internal static async Task<int> RunAsync(string[] args, HomeLayout layout, TextWriter output, TextWriter error)
    {
        RootCommand root = new("TunnelMesh, a peer-to-peer mesh VPN")
        {
            InitCommand.Create(), StatusCommand.Create(layout), PeersCommand.Create(layout),
            ResolveCommand.Create(layout), LeaveCommand.Create(layout), new Command("version", "Show the version"),
        };
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (System.CommandLine.Parsing.ParseError e in parsed.Errors)
            {
                await error.WriteLineAsync($"tunnelmesh: {e.Message}");
            }
            await error.WriteLineAsync("`tunnelmesh --help` shows the commands.");
            return (int)ExitCode.Usage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            await error.WriteLineAsync($"tunnelmesh: {e.Message}");
            return (int)code;
        }
    }

    private static ExitCode? CodeOf(Exception e) => e switch
    {
        ConfigException => ExitCode.Configuration,
        PeerNotRunningException => ExitCode.NotRunning,
        PeerAlreadyRunningException => ExitCode.InUse,
        UnauthorizedAccessException => ExitCode.Permission,
        LocalApiException { Code: LocalErrorCodes.Forbidden } => ExitCode.Permission,
        LocalApiException { Code: LocalErrorCodes.Unreachable } => ExitCode.Network,
        LocalApiException or IOException or OperationCanceledException => ExitCode.General,
        _ => null,
    };
}
