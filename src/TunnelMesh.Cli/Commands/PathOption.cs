using System.CommandLine;

namespace TunnelMesh.Cli.Commands;

/// <summary>What all flags that take a path have in common.</summary>
internal static class PathOption
{
    /// <summary>What stands for the path in the help.</summary>
    public const string File = "FILE", Directory = "DIR";

    /// <summary>Has the help call the value a path, and an empty one refused as a wrong command line: the system's own words for it are those of a defect.</summary>
    /// <param name="option">The flag; returned.</param>
    /// <param name="what"><see cref="File"/> or <see cref="Directory"/>.</param>
    public static Option<T> AsPath<T>(this Option<T> option, string what)
    {
        option.HelpName = what;
        option.Validators.Add(given =>
        {
            if (given.Tokens.Any(t => t.Value.Length == 0))
            {
                given.AddError($"`{option.Name}` is empty, and takes the path of a {(what == Directory ? "directory" : "file")}.");
            }
        });
        return option;
    }
}
