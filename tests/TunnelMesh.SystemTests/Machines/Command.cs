using System.Diagnostics;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>Runs one short command of the system to its end.</summary>
internal static class Command
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs a command whose failure is an answer, such as a ping.</summary>
    public static async Task<CommandResult> TryRunAsync(IEnumerable<string> arguments, string? input = null, CancellationToken cancel = default)
    {
        string[] all = [.. arguments];
        ProcessStartInfo start = new(all[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (string argument in all.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{all[0]} did not start.");
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Limit);
        try
        {
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
            }

            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new CommandResult(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"'{string.Join(' ', all)}' did not end within {Limit.TotalSeconds} s.");
        }
    }

    /// <summary>Runs a command that has to succeed; its output, trimmed.</summary>
    public static async Task<string> RunAsync(IEnumerable<string> arguments, string? input = null, CancellationToken cancel = default)
    {
        string[] all = [.. arguments];
        CommandResult result = await TryRunAsync(all, input, cancel);
        return result.Succeeded
            ? result.Output.Trim()
            : throw new InvalidOperationException($"'{string.Join(' ', all)}' failed: {result}");
    }
}
