using System.CommandLine;

namespace TunnelMesh.Cli.Commands;

/// <summary>What all flags that take a path have in common.</summary>
internal static class PathOption
{
    /// <summary>What stands for the path in the help.</summary>
    public const string File = "FILE", Directory = "DIR";

    /// <summary>Has the help call the value a path. An empty one is refused as every empty value is (<see cref="UsageText"/>).</summary>
    /// <param name="option">The flag; returned.</param>
    /// <param name="what"><see cref="File"/> or <see cref="Directory"/>.</param>
    public static Option<T> AsPath<T>(this Option<T> option, string what)
    {
        option.HelpName = what;
        return option;
    }
}
