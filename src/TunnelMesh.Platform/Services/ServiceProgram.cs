using System.ComponentModel;
using System.Diagnostics;

namespace TunnelMesh.Platform.Services;

/// <summary>Runs the programs of a service manager, or of what keeps certificates; no shell reads their arguments.</summary>
public static class ServiceProgram
{
    private static readonly string[] Folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Runs one that has something to do, to its end.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <exception cref="ServiceException">It does not run, or fails; the message tells what it said.</exception>
    public static void Run(IReadOnlyList<string> command)
    {
        (int code, string said) = Try(command);
        if (code != 0)
        {
            throw new ServiceException($"`{string.Join(' ', command)}` failed with code {code}: {said}");
        }
    }

    /// <summary>Runs one whose failure is an answer, to its end.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its exit code, and all that it said, in one line.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    public static (int Code, string Said) Try(IReadOnlyList<string> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        using Process process = Start(command, redirect: true);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, $"{errors} {output.Result}".Trim().ReplaceLineEndings(" "));
    }

    /// <summary>Runs one that has something to show, with this process's terminal as its own.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    public static int Show(IReadOnlyList<string> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        using Process process = Start(command, redirect: false);
        process.WaitForExit();
        return process.ExitCode;
    }

    private static Process Start(IReadOnlyList<string> command, bool redirect)
    {
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
