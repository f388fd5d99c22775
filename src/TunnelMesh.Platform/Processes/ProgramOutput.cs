using System.ComponentModel;
using System.Diagnostics;

namespace TunnelMesh.Platform.Processes;

/// <summary>What a short program of the system says.</summary>
public static class ProgramOutput
{
    private static readonly string[] Folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Runs a program to its end. Nothing is read from a variable, and no shell reads the arguments.</summary>
    /// <param name="name">Looked for in the system's own directories.</param>
    /// <param name="arguments">Each as it is.</param>
    /// <param name="patience">How long it may take; it is ended then.</param>
    /// <param name="cancel">Ends it, too.</param>
    /// <returns>Both of its outputs; null when there is no such program here.</returns>
    /// <exception cref="IOException">It did not start, or not end in time.</exception>
    public static async Task<string?> ReadAsync(string name, IReadOnlyList<string> arguments, TimeSpan patience, CancellationToken cancel)
    {
        if (Array.Find(Folders, f => File.Exists(Path.Combine(f, name))) is not { } folder)
        {
            return null;
        }
        ProcessStartInfo start = new(Path.Combine(folder, name), arguments) { RedirectStandardError = true, RedirectStandardInput = true, RedirectStandardOutput = true };
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(patience);
        try
        {
            using Process process = Process.Start(start) ?? throw new IOException($"{name} did not start.");
            process.StandardInput.Close();
            // A process closes only what nobody has asked it for.
            using StreamReader standardOutput = process.StandardOutput, standardError = process.StandardError;
            try
            {
                Task<string> output = standardOutput.ReadToEndAsync(over.Token), errors = standardError.ReadToEndAsync(over.Token);
                await process.WaitForExitAsync(over.Token).ConfigureAwait(false);
                return await output.ConfigureAwait(false) + await errors.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                cancel.ThrowIfCancellationRequested();
                throw new IOException($"{name} did not end within {patience.TotalSeconds:0} s.");
            }
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{name} did not run: {e.Message}", e);
        }
    }
}
