namespace TunnelMesh.Cli.Configuration;

/// <summary>Which file is the configuration.</summary>
internal static class ConfigFiles
{
    /// <summary>What names a configuration.</summary>
    public const string Flag = "--config", Variable = "TUNNELMESH_CONFIG";

    /// <summary>Says that what was named is no file.</summary>
    /// <param name="path">As it was named.</param>
    /// <param name="namedBy">What named it.</param>
    public static string Missing(string path, string namedBy) =>
        Directory.Exists(path) ? $"{path} is a directory, and {namedBy} takes a file. Name the file in it."
        : $"{path}{(namedBy == Flag ? "" : $" (from {namedBy})")}: no such file. `tunnelmesh init --peer --output {path}` writes one.";

    /// <summary>The file to read, or null when none exists and the defaults hold.</summary>
    /// <param name="explicitPath">From <c>--config</c> or the environment; it must exist.</param>
    /// <param name="contextFile">The active context's file.</param>
    /// <param name="home">Directory of TunnelMesh.</param>
    /// <param name="workingDirectory">Directory for <c>./tunnelmesh.yaml</c> and <c>./peer.yaml</c>; null for none.</param>
    /// <param name="namedBy">What named the explicit file.</param>
    /// <exception cref="ConfigException">The explicit file does not exist, or is a directory.</exception>
    public static string? Find(string? explicitPath, string contextFile, string home, string? workingDirectory, string namedBy = Flag)
    {
        if (!string.IsNullOrEmpty(explicitPath))
        {
            return File.Exists(explicitPath)
                ? explicitPath
                : throw new ConfigException(Missing(explicitPath, namedBy));
        }
        string[] candidates = workingDirectory is null ? [] :
        [
            Path.Combine(workingDirectory, "tunnelmesh.yaml"),
            Path.Combine(workingDirectory, "peer.yaml"),
        ];
        return FindUnnamed(contextFile, home) ?? candidates.FirstOrDefault(File.Exists);
    }

    /// <summary>The file that is read from whatever directory when none is named, or null.</summary>
    /// <param name="contextFile">The context's file.</param>
    /// <param name="home">Directory of TunnelMesh.</param>
    public static string? FindUnnamed(string contextFile, string home)
    {
        string shared = Path.Combine(home, "config.yaml");
        return File.Exists(contextFile) ? contextFile : File.Exists(shared) ? shared : null;
    }
}
