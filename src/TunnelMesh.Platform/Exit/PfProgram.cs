using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Platform.Exit;

/// <summary>pf of macOS by its program, pfctl(8). Whether it filters at all is counted there: each who needs it has a token, and it is off again when the last is given back.</summary>
/// <param name="run">Runs a program to its end: path, arguments, standard input. Throws <see cref="SystemDnsException"/> when it fails.</param>
/// <param name="read">Runs pfctl, and gives both of its outputs, also when it fails. Throws <see cref="IOException"/>.</param>
internal sealed class PfProgram(Action<string, IEnumerable<string>, string> run, Func<IReadOnlyList<string>, string> read)
{
    private const string Path = "/sbin/pfctl", TokenWord = "Token : ";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>pfctl of this system, for <c>read</c>.</summary>
    public static string Read(IReadOnlyList<string> arguments) =>
        ProgramOutput.ReadAsync("pfctl", arguments, Patience, CancellationToken.None).GetAwaiter().GetResult() ?? throw new IOException("pfctl is gone.");

    /// <summary>Checks that the rules of the system evaluate anchors such as ours.</summary>
    /// <param name="nat">Whether those that rewrite addresses are meant, too.</param>
    /// <exception cref="ExitException">They do not; the message says how to change that.</exception>
    public void RequireAnchors(bool nat)
    {
        Require("rules", "anchor \"com.apple/*\"");
        if (nat)
        {
            Require("nat", "nat-anchor \"com.apple/*\"");
        }
    }

    /// <summary>Puts rules into an anchor in place of those that are there.</summary>
    /// <exception cref="ExitException">The system refused; those that were there stay.</exception>
    public void Load(string anchor, string rules) => Run(["-a", anchor, "-f", "-"], rules);

    /// <summary>Removes the rules of an anchor, also where there are none.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Empty(string anchor) => Load(anchor, "");

    /// <summary>Has pf filter.</summary>
    /// <returns>The token to give back.</returns>
    /// <exception cref="ExitException">The system refused.</exception>
    public string Enable()
    {
        string said = Ask(["-E"]);
        int at = said.IndexOf(TokenWord, StringComparison.Ordinal);
        string token = at < 0 ? "" : string.Concat(said[(at + TokenWord.Length)..].TakeWhile(char.IsAsciiDigit));
        return token.Length > 0 ? token : throw new ExitException($"`pfctl -E` gave no token: {said.Trim().ReplaceLineEndings(" ")}");
    }

    /// <summary>Gives a token back. One of before a restart of the machine is none any more.</summary>
    public void Release(string token)
    {
        try
        {
            Run(["-X", token], "");
        }
        catch (ExitException)
        {
            // It counts no more.
        }
    }

    /// <summary>Ends what connections of before may do by the states that pf keeps of them: only then the rules are asked about each packet.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void EndStates() => Run(["-F", "states"], "");

    /// <summary>True while pf filters at all.</summary>
    public bool IsEnabled() => Holds(() => Ask(["-s", "info"]).Contains("Status: Enabled", StringComparison.Ordinal));

    /// <summary>True while pf filters, and by the rules in an anchor.</summary>
    public bool Has(string anchor) => IsEnabled() && Holds(() =>
    {
        RequireAnchors(nat: false);
        // A rule begins so; the program's warnings do not.
        return Ask(["-a", anchor, "-s", "rules"]).Split('\n').Any(l => l.StartsWith("block ", StringComparison.Ordinal));
    });

    private static bool Holds(Func<bool> look)
    {
        try
        {
            return look();
        }
        catch (ExitException)
        {
            return false;
        }
    }

    private void Require(string which, string wanted)
    {
        if (!Ask(["-s", which]).Split('\n').Any(l => l.StartsWith(wanted, StringComparison.Ordinal)))
        {
            throw new ExitException($"the rules of pf on this machine leave out those below com.apple, where the peer's would be. Add the line `{wanted}` to /etc/pf.conf, as macOS has it, and load it: sudo pfctl -f /etc/pf.conf");
        }
    }

    private string Ask(IReadOnlyList<string> arguments)
    {
        try
        {
            return read(arguments);
        }
        catch (IOException e)
        {
            throw new ExitException(e.Message, e);
        }
    }

    private void Run(string[] arguments, string input)
    {
        try
        {
            run(Path, arguments, input);
        }
        catch (SystemDnsException e)
        {
            throw new ExitException(e.Message, e);
        }
    }
}
