using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace TunnelMesh.Cli.Commands;

/// <summary>The help of a command, with examples below it; of one that only has others below it, with theirs.</summary>
/// <param name="plain">Writes everything else.</param>
internal sealed class ExampleHelp(SynchronousCommandLineAction plain) : SynchronousCommandLineAction
{
    /// <summary>Puts it in place of the help of a program.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ExampleHelp((SynchronousCommandLineAction)help.Action!);
    }

    /// <summary>Whoever asks for help has not finished the line yet.</summary>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = plain.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        string path = PathOf(parseResult.CommandResult);
        (string Line, string What)[] examples = [.. Examples.Of(path), .. Examples.Below(path)];
        if (examples.Length > 0)
        {
            output.WriteLine("Examples:");
            foreach ((string line, string what) in examples)
            {
                output.WriteLine($"  {line}{Environment.NewLine}      {what}.");
            }
            output.WriteLine();
        }
        else if (path.Length == 0)
        {
            output.WriteLine("`tunnelmesh COMMAND --help` shows the flags of a command, and examples.");
        }
        return code;
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}".TrimStart() : "";
}
