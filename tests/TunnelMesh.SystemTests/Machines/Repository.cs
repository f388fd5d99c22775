namespace TunnelMesh.SystemTests.Machines;

/// <summary>Where the programs under test are.</summary>
internal static class Repository
{
    /// <summary>The project's top folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The tunnelmesh under test: the one just built, or the one TUNNELMESH_BINARY names (the native one, say).
    /// </summary>
    public static string Binary { get; } =
        Environment.GetEnvironmentVariable("TUNNELMESH_BINARY") is { Length: > 0 } named
            ? Path.GetFullPath(named)
            : Path.Combine(AppContext.BaseDirectory, "tunnelmesh");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TunnelMesh.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No TunnelMesh.slnx above {AppContext.BaseDirectory}.");
    }
}
