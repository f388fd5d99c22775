namespace TunnelMesh.Cli.Configuration;

/// <summary>Which file is the configuration.</summary>
internal static class ConfigFiles
{
    /// <summary>The file to read, or null when none exists and the defaults hold.</summary>
    /// <param name="explicitPath">From <c>--config</c> or the environment; it must exist.</param>
    /// <param name="contextFile">The active context's file.</param>
    /// <param name="home">Directory of TunnelMesh.</param>
    /// <param name="workingDirectory">Directory for <c>./tunnelmesh.yaml</c> and <c>./peer.yaml</c>.</param>
    /// <exception cref="ConfigException">The explicit file does not exist.</exception>
    public static string? Find(string? explicitPath, string contextFile, string home, string workingDirectory)
    {
        if (!string.IsNullOrEmpty(explicitPath))
        {
            return File.Exists(explicitPath)
                ? explicitPath
                : throw new ConfigException($"{explicitPath}: no such file. `tunnelmesh init --peer --output {explicitPath}` writes one.");
        }
        string[] candidates =
        [
            contextFile,
            Path.Combine(home, "config.yaml"),
            Path.Combine(workingDirectory, "tunnelmesh.yaml"),
            Path.Combine(workingDirectory, "peer.yaml"),
        ];
        return candidates.FirstOrDefault(File.Exists);
    }
}
