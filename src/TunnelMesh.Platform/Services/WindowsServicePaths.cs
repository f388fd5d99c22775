namespace TunnelMesh.Platform.Services;

/// <summary>Where what belongs to a Windows service lies. Pure; the separator is Windows' wherever this runs.</summary>
public static class WindowsServicePaths
{
    /// <summary>The directory of TunnelMesh, which is SYSTEM's and the administrators' alone.</summary>
    /// <param name="programData">%ProgramData%.</param>
    public static string Directory(string programData) => $@"{programData}\TunnelMesh";

    /// <summary>The file of secret variables.</summary>
    /// <param name="programData">%ProgramData%.</param>
    /// <param name="context">A label.</param>
    public static string Environment(string programData, string context) => $@"{Directory(programData)}\{(context == "default" ? "env.conf" : $"env-{context}.conf")}";

    /// <summary>The log.</summary>
    /// <param name="programData">%ProgramData%.</param>
    /// <param name="name">Name of the service.</param>
    public static string Log(string programData, string name) => $@"{Directory(programData)}\{name}.log";

    /// <summary>True for a program that only administrators may change by the rights that Windows gives its directory.</summary>
    /// <param name="program">Full path.</param>
    /// <param name="folders">%ProgramFiles% and its like.</param>
    public static bool IsSafe(string program, IReadOnlyList<string> folders)
    {
        ArgumentNullException.ThrowIfNull(program);
        return folders.Any(f => f.Length > 0 && program.StartsWith(f.TrimEnd('\\') + "\\", StringComparison.OrdinalIgnoreCase))
            && !program.Split('\\', '/').Any(part => part is ".." or ".");
    }
}
