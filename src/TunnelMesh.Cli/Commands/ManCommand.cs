using System.CommandLine;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>man</c>: writes the man pages, made of the same commands, flags and examples as the help.</summary>
internal static class ManCommand
{
    /// <summary>Builds the command.</summary>
    /// <param name="root">The whole program; asked when the command runs.</param>
    public static Command Create(Func<RootCommand> root)
    {
        Option<string> directory = new("--output") { Description = "Directory for the pages; made when it does not exist", Required = true, HelpName = "DIR" };
        Command command = new("man", "Write the man pages of all commands into a directory") { directory };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetValue(directory)!;
            if (File.Exists(folder))
            {
                throw new ConfigException($"{folder} is a file. Name a directory in --output.");
            }
            Directory.CreateDirectory(folder);
            int written = 0;
            foreach ((string name, string text) in ManPage.All(root(), Program.Version))
            {
                File.WriteAllText(Path.Combine(folder, name), text);
                written++;
            }
            parsed.InvocationConfiguration.Output.WriteLine($"Wrote {written} pages into {folder}.");
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
