using System.CommandLine;
using System.CommandLine.Parsing;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary>Flags of <c>join</c> whose features this version does not have: refused by name, so that nobody thinks them misspelt.</summary>
internal static class LaterOptions
{
    private static readonly string[] Switches = ["--wireguard", "--locations", "--enable-tracing"];
    private static readonly string[] Values = ["--latitude", "--longitude", "--city"];

    /// <summary>Adds them, hidden from the help.</summary>
    public static IReadOnlyList<Option> AddTo(Command command)
    {
        List<Option> options = [.. Switches.Select(name => (Option)new Option<bool>(name) { Hidden = true })];
        foreach (string name in Values)
        {
            options.Add(new Option<string>(name) { Hidden = true });
        }
        options.ForEach(command.Options.Add);
        return options;
    }

    /// <summary>Refuses the first that was given.</summary>
    /// <exception cref="HostException">One was given.</exception>
    public static void Refuse(ParseResult parsed, IReadOnlyList<Option> options)
    {
        foreach (Option option in options)
        {
            if (parsed.GetResult(option) is OptionResult { Implicit: false } given)
            {
                throw new HostException(ExitCode.Usage, $"{given.IdentifierToken?.Value ?? option.Name} is not yet supported in this version. Leave it out.");
            }
        }
    }
}
