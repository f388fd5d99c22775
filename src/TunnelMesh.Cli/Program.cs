using System.CommandLine;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Cli;

/// <summary>Entry point: the command line, and exceptions turned into one message and an exit code.</summary>
internal static class Program
{
    /// <summary>Version of this program.</summary>
    internal static string Version => typeof(Program).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    private static async Task<int> Main(string[] args)
    {
        // Answered before any option parser is built, because scripts call it often.
        if (args is ["version"] or ["--version"])
        {
            Console.Out.WriteLine($"tunnelmesh {Version}");
            return (int)ExitCode.Ok;
        }
        NativeHeap.Share();
        if (OperatingSystem.IsMacOS())
        {
            // Coordinators speak TLS 1.3 only, which the framework has here through Network.framework, and only when asked before the first connection.
            AppContext.SetSwitch("System.Net.Security.UseNetworkFramework", true);
        }
        if (OperatingSystem.IsWindows() && WindowsServiceArguments.Read(args) is { } service)
        {
            return WindowsServiceHost.Run(service, (command, variables, log) => RunAsync(command, variables, Environment.IsPrivilegedProcess, log, log));
        }
        ProcessEnvironment environment = ProcessEnvironment.Read();
        return await RunAsync(args, environment, Environment.IsPrivilegedProcess, StandardOutput.Open(), Console.Error);
    }

    /// <summary>Runs one command line; no exception leaves it.</summary>
    internal static async Task<int> RunAsync(string[] args, ProcessEnvironment environment, bool isRoot, TextWriter output, TextWriter error)
    {
        await using ForgivingWriter forgiving = new(error);
        error = forgiving;
        CommandContext context = new(environment, new HomeLayout(environment, isRoot));
        RootCommand root = Root(context);
        ParseResult? parsed = null;
        try
        {
            if (args is [CompletionCommand.Ask, .. string[] words])
            {
                await Completion.RunAsync(root, context.Layout, words, output);
                return (int)ExitCode.Ok;
            }
            parsed = root.Parse(args);
            if (UsageText.Describe(parsed) is { } wrong)
            {
                await error.WriteLineAsync($"tunnelmesh: {wrong}");
                return (int)ExitCode.Usage;
            }
            context.CheckConfig(parsed);
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // A command that only asks may be ended by the system at once; the one that runs on handles signals itself.
                ProcessTerminationTimeout = null,
                Output = output,
                Error = error,
            });
        }
        catch (IOException e) when (StandardOutput.IsClosed(e))
        {
            // Whoever read the output has seen enough.
            return (int)ExitCode.Ok;
        }
#pragma warning disable CA1031 // The last line of defence: whatever happens, a person gets one line.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return await FailureReport.WriteAsync(e, error, isRoot, WantsTrace(parsed?.GetValue(context.Level) ?? environment.LogLevel));
        }
    }

    /// <summary>The whole program.</summary>
    internal static RootCommand Root(CommandContext context)
    {
        Command version = new("version", "Show the version");
        version.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine($"tunnelmesh {Version}"));
        RootCommand root = new("TunnelMesh, a peer-to-peer mesh VPN") { context.Config, context.Level };
        Command[] commands =
        [
            JoinCommand.Create(context), InitCommand.Create(context), StatusCommand.Create(context), PeersCommand.Create(context),
            ResolveCommand.Create(context), PingCommand.Create(context), NetCheckCommand.Create(context), DoctorCommand.Create(context),
            LeaveCommand.Create(context), RevokeCommand.Create(context), TokenCommand.Create(context), TransportCommand.Create(context),
            GroupCommand.Create(context), FilterCommand.Create(context), ContextCommand.Create(context), ServiceCommand.Create(context), ExitCommand.Create(context),
            CleanupCommand.Create(context), TrustCaCommand.Create(context),
            BugReportCommand.Create(context), CompletionCommand.Create(), ManCommand.Create(() => root), version,
        ];
        foreach (Command command in commands)
        {
            root.Add(command);
        }
        ExampleHelp.AddTo(root);
        return root;
    }

    private static bool WantsTrace(string? level) => level is "debug" or "trace";
}
