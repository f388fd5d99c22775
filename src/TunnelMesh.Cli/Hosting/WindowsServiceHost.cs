using System.Runtime.Versioning;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Runs the program as a service of Windows: its variables come from the service's file, what it writes goes to the service's log.</summary>
[SupportedOSPlatform("windows")]
internal static class WindowsServiceHost
{
    /// <summary>Runs it until the service control manager, or the peer itself, ends it.</summary>
    /// <param name="service">What the command line says.</param>
    /// <param name="runProgram">Runs a command line of the program; throws nothing.</param>
    /// <returns>The exit code.</returns>
    public static int Run(WindowsServiceArguments service, Func<string[], ProcessEnvironment, TextWriter, Task<int>> runProgram)
    {
        try
        {
            return WindowsServiceDispatcher.Run(service.Name, session => RunAsync(service, session, runProgram).GetAwaiter().GetResult(), ExitCodes.IsFinal);
        }
        catch (ServiceException e)
        {
            Console.Error.WriteLine($"tunnelmesh: {e.Message}");
            return (int)ExitCode.Usage;
        }
    }

    private static async Task<int> RunAsync(WindowsServiceArguments service, WindowsServiceSession session, Func<string[], ProcessEnvironment, TextWriter, Task<int>> runProgram)
    {
        ServiceManager manager = ServiceManager.ForThisSystem(root: null);
        string variables = manager.EnvironmentFile(service.Context);
        ServiceLog log;
        try
        {
            AdministratorsDirectory.Make(Path.GetDirectoryName(variables)!);
            log = new ServiceLog(WindowsServicePaths.Log(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), service.Name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is nowhere to say it but in the code.
            return (int)(ExitCodes.Of(e) ?? ExitCode.General);
        }

        await using (log)
        {
            if (service.OnlyWhenExists is { } file && !File.Exists(file))
            {
                await log.WriteLineAsync($"tunnelmesh: the context {service.Context} is a member of no mesh any more ({file} does not exist), so there is nothing to run. Join again, or: tunnelmesh service uninstall");
                return (int)ExitCode.Ok;
            }
            try
            {
                IReadOnlyList<KeyValuePair<string, string>> secrets = File.Exists(variables) ? EnvironmentText.Read(await File.ReadAllTextAsync(variables)) : [];
                ProcessEnvironment environment = ProcessEnvironment.OfService([.. service.Variables, .. secrets], session, session.Stop);
                int code = await runProgram([.. service.Command], environment, new ForgivingWriter(log));
                if (session.IsLate)
                {
                    await log.WriteLineAsync($"tunnelmesh: the peer was not usable within {WindowsServiceSession.StartPatience.TotalSeconds:0} s; Windows starts it again.");
                    return code == 0 ? (int)ExitCode.Network : code;
                }
                return code;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return await FailureReport.WriteAsync(e, log, isRoot: true, trace: false);
            }
        }
    }
}
