namespace TunnelMesh.Cli.Hosting;

/// <summary>Directories that are this user's alone.</summary>
internal static class PrivateDirectory
{
    /// <summary>Makes a directory and its missing parents, each with mode 0700; existing ones stay as they are.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not make it.</exception>
    public static void Make(string directory)
    {
        if (Directory.Exists(directory))
        {
            return;
        }
        if (Path.GetDirectoryName(directory) is { Length: > 0 } parent)
        {
            Make(parent);
        }
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
