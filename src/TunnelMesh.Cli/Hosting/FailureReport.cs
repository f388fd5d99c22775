using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Says on one line why a command failed.</summary>
internal static class FailureReport
{
    private const int MaxLength = 4000;

    /// <summary>Writes the line and gives the exit code.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="error">Where to.</param>
    /// <param name="isRoot">True for user 0, and for an administrator of Windows: nobody has more rights.</param>
    /// <param name="trace">Whether the stack of a defect is shown, too.</param>
    public static async Task<int> WriteAsync(Exception failure, TextWriter error, bool isRoot, bool trace)
    {
        Exception cause = failure is AggregateException { InnerExceptions: [var only] } ? only : failure;
        if (ExitCodes.Of(cause) is { } code)
        {
            await error.WriteLineAsync($"tunnelmesh: {Text(cause, isRoot)}").ConfigureAwait(false);
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

    // The system names the file and no way out; of a current directory that is gone not even that.
    private static string Text(Exception cause, bool isRoot) => cause switch
    {
        FileNotFoundException when WorkingDirectory.Find() is null => "The current directory does not exist any more. Change into one that does (`cd`), and run the command again.",
        UnauthorizedAccessException when !isRoot => $"{OneLine(cause.Message)} Run this as root, or as the user who owns it.",
        UnauthorizedAccessException when PathIn(cause.Message) is { } path && Directory.Exists(path) => $"{OneLine(cause.Message)} It is a directory, where a file belongs. Move it away.",
        _ => OneLine(cause.Message),
    };

    // The exception has it nowhere else.
    private static string? PathIn(string message) => message.Split('\'') is [_, { Length: > 0 } path, _] ? path : null;
}
