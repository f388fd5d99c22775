using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary>Asks a person before something that cannot be taken back.</summary>
internal static class Confirmation
{
    /// <summary>The flag that answers yes beforehand.</summary>
    public static System.CommandLine.Option<bool> Yes() => new("--yes", "-y") { Description = "Do not ask" };

    /// <summary>Asks; only <c>y</c> and <c>yes</c> agree.</summary>
    /// <param name="question">What would be done.</param>
    /// <param name="terminal">Where the question goes.</param>
    /// <exception cref="HostException">Nobody can be asked, because standard input is no terminal.</exception>
    public static bool Ask(string question, TextWriter terminal)
    {
        if (Console.IsInputRedirected)
        {
            throw new HostException(ExitCode.Usage, "This is asked for on a terminal, and standard input is none. Add --yes to go without being asked.");
        }
        terminal.Write($"{question} [y/N] ");
        terminal.Flush();
        return Console.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }
}
