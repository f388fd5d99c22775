using System.ComponentModel;
using System.Diagnostics;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>Runs a short program of the system to its end.</summary>
internal static class SystemProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs it.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Each as it is; no shell reads them.</param>
    /// <param name="input">For its standard input.</param>
    /// <exception cref="SystemDnsException">It does not start, fails, or does not end within ten seconds.</exception>
    internal static void Run(string path, IEnumerable<string> arguments, string input = "") => Run(path, arguments, input, reads: false);

    /// <summary>Runs it, and reads what it says on its standard output.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Each as it is; no shell reads them.</param>
    /// <param name="input">For its standard input.</param>
    /// <exception cref="SystemDnsException">It does not start, fails, or does not end within ten seconds.</exception>
    internal static string Read(string path, IEnumerable<string> arguments, string input) => Run(path, arguments, input, reads: true);

    private static string Run(string path, IEnumerable<string> arguments, string input, bool reads)
    {
        ProcessStartInfo start = new(path, arguments) { RedirectStandardError = true, RedirectStandardInput = true, RedirectStandardOutput = true };
        string words = $"{path} {string.Join(' ', start.ArgumentList)}";
        try
        {
            using Process process = Process.Start(start) ?? throw new SystemDnsException($"`{words}` did not start.");
            // A process closes only what nobody has asked it for.
            using StreamReader standardOutput = process.StandardOutput, standardError = process.StandardError;
            Task<string> output = standardOutput.ReadToEndAsync(), errors = standardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            if (!process.WaitForExit(Patience))
            {
                process.Kill(entireProcessTree: true);
                throw new SystemDnsException($"`{words}` did not end within {Patience.TotalSeconds} s.");
            }
            if (process.ExitCode != 0)
            {
                string said = Task.WaitAll([output, errors], Patience) ? $"{errors.Result} {output.Result}".Trim().ReplaceLineEndings(" ") : "";
                throw new SystemDnsException($"`{words}` failed with code {process.ExitCode}: {said}");
            }
            // What a program leaves behind may hold its output open, which matters to whoever reads it only.
            return !reads ? "" : output.Wait(Patience) ? output.Result : throw new SystemDnsException($"`{words}` ended, and its output did not within {Patience.TotalSeconds} s.");
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw new SystemDnsException($"`{words}` did not run: {e.Message}", e);
        }
    }
}
