using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Contexts;

/// <summary>Names of contexts. One becomes part of paths, of the name of a service and of remarks in system settings, so nothing but a label may be one.</summary>
internal static class ContextName
{
    /// <summary>The context that counts when none is named and none was chosen.</summary>
    public const string Default = "default";

    /// <summary>True for a name that a context may have.</summary>
    public static bool IsValid(string name) => ConfigKeys.IsLabel(name);

    /// <summary>The name, when it may be one.</summary>
    /// <exception cref="HostException">It may not; a wrong command line.</exception>
    public static string Require(string name) => IsValid(name)
        ? name
        // Shown without what would move a terminal's cursor.
        : throw new HostException(ExitCode.Usage, $"`{string.Concat(name.Select(c => char.IsControl(c) ? '?' : c).Take(80))}` is no name for a context: use letters, digits and hyphens, at most 63, no hyphen at an end.");

    /// <summary>The flag that names the context in a line for people to type; empty where it may be left out.</summary>
    /// <param name="context">The context.</param>
    /// <param name="active">The one that counts when none is named.</param>
    public static string Flag(string context, string active) => context == active ? "" : $" --context {context}";
}
