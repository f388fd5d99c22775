using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Says on one line why a command failed.</summary>
internal static class FailureReport
{
    private const int MaxLength = 4000;

    /// <summary>Writes the line and gives the exit code.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="error">Where to.</param>
    /// <param name="trace">Whether the stack of a defect is shown, too.</param>
    public static async Task<int> WriteAsync(Exception failure, TextWriter error, bool trace)
    {
        Exception cause = failure is AggregateException { InnerExceptions: [var only] } ? only : failure;
        if (ExitCodes.Of(cause) is { } code)
        {
            await error.WriteLineAsync($"tunnelmesh: {Text(cause)}").ConfigureAwait(false);
            return (int)code;
        }
        await error.WriteLineAsync($"tunnelmesh: internal error: {OneLine(cause.Message)} ({cause.GetType().Name}), please report").ConfigureAwait(false);
        if (trace)
        {
            await error.WriteLineAsync(cause.ToString()).ConfigureAwait(false);
        }
        return (int)ExitCode.General;
    }

    /// <summary>A message on one line, its words one space apart, with nothing in it that steers a terminal.</summary>
    public static string OneLine(string message) => string.Join(' ', PlainText.Line(message, MaxLength).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    // The system names the file and no way out.
    private static string Text(Exception cause) =>
        OneLine(cause.Message) + (cause is UnauthorizedAccessException ? " Run this as root, or as the user who owns it." : "");
}
