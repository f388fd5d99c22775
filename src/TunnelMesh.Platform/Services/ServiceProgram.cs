using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Services;

/// <summary>Runs the programs of a service manager, or of what keeps certificates, as processes; no shell reads their arguments.</summary>
public sealed class ServiceProgram : IServiceRunner
{
    // As shells have it: 128 and the signal.
    private const int Interrupted = 128 + 2, Terminated = 128 + 15;
    private static readonly string[] Folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <inheritdoc/>
    public void Run(IReadOnlyList<string> command)
    {
        if (Try(command) is (not 0 and int code, string said))
        {
            throw new ServiceException($"`{string.Join(' ', command)}` failed with code {code}: {said}");
        }
    }

    /// <inheritdoc/>
    public int Show(IReadOnlyList<string> command)
    {
        using Process process = Start(command, redirect: false);
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <inheritdoc/>
    public int Follow(IReadOnlyList<string> command)
    {
        using CancellationTokenSource ended = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using Process process = Start(command, redirect: false);
        using CancellationTokenRegistration end = ended.Token.Register(() =>
        {
            try
            {
                process.Kill();
            }
            catch (InvalidOperationException)
            {
                // It has ended by itself.
            }
        });
        process.WaitForExit();
        // A terminal interrupts both, and it may be gone before this process has heard of it.
        return ended.IsCancellationRequested || process.ExitCode is Interrupted or Terminated ? 0 : process.ExitCode;

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            ended.Cancel();
        }
    }

    /// <inheritdoc/>
    public (int Code, string Output) Ask(IReadOnlyList<string> command)
    {
        using Process process = Start(command, redirect: true);
        // A process closes only what nobody has asked it for.
        using StreamReader standardOutput = process.StandardOutput, standardError = process.StandardError;
        Task<string> output = standardOutput.ReadToEndAsync();
        string errors = standardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, $"{errors} {output.Result}");
    }

    /// <summary>Runs one whose failure is an answer, to its end.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its exit code, and all that it said, in one line.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    public (int Code, string Said) Try(IReadOnlyList<string> command)
    {
        (int code, string output) = Ask(command);
        return (code, output.Trim().ReplaceLineEndings(" "));
    }

    private static Process Start(IReadOnlyList<string> command, bool redirect)
    {
        ArgumentNullException.ThrowIfNull(command);
        // Before what a variable of the user's names, since this is run as root.
        string program = Folders.Select(f => Path.Combine(f, command[0])).FirstOrDefault(File.Exists) ?? command[0];
        ProcessStartInfo start = new(program, command.Skip(1)) { RedirectStandardOutput = redirect, RedirectStandardError = redirect };
        try
        {
            return Process.Start(start) ?? throw new ServiceException($"`{command[0]}` did not start.");
        }
        catch (Win32Exception e)
        {
            throw new ServiceException($"`{string.Join(' ', command)}` did not run: {e.Message}. Is it installed?", e);
        }
    }
}
