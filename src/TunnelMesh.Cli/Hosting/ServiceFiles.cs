using TunnelMesh.Platform.Files;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Writes and removes the files of a service, and leaves alone whatever others wrote.</summary>
internal static class ServiceFiles
{
    /// <summary>Throws unless the description may be written.</summary>
    /// <param name="manager">Whose description it is.</param>
    /// <param name="path">Where it goes.</param>
    /// <param name="text">What is to be written.</param>
    /// <param name="force">Whether one of ours that differs is replaced.</param>
    /// <exception cref="HostException">It is somebody else's, or ours and differs.</exception>
    public static void CheckDescription(ServiceManager manager, string path, string text, bool force)
    {
        FileInfo file = new(path);
        if (Directory.Exists(path) || file.LinkTarget is not null || (file.Exists && !manager.IsOurs(File.ReadAllText(path))))
        {
            throw new HostException(ExitCode.InUse,
                $"{path} was not written by `tunnelmesh service install` and stays as it is, also with --force. Move it away, or install under another --context.");
        }
        if (file.Exists && !force && File.ReadAllText(path) != text)
        {
            throw new HostException(ExitCode.InUse,
                $"{path} is there already and differs from what this program would write. --force replaces it; changes of your own are kept beside it by `systemctl edit`.");
        }
    }

    /// <summary>Writes the description, readable by all, whole or not at all.</summary>
    /// <returns>False when it was there already, just so.</returns>
    public static bool WriteDescription(string path, string text)
    {
        if (File.Exists(path) && File.ReadAllText(path) == text)
        {
            return false;
        }
        Write(path, text, secret: false);
        return true;
    }

    /// <summary>Sets secret variables in their file; what else is in it stays. The file is root's alone from its first byte on (Windows: SYSTEM's and the administrators').</summary>
    /// <param name="path">The file.</param>
    /// <param name="variables">What to set; empty makes the file if there is none.</param>
    public static void SetSecrets(string path, IReadOnlyList<KeyValuePair<string, string>> variables)
    {
        if (OperatingSystem.IsWindows())
        {
            // What is made in it has its rights.
            AdministratorsDirectory.Make(Path.GetDirectoryName(path)!);
        }
        string before = File.Exists(path) ? File.ReadAllText(path) : "";
        Write(path, EnvironmentText.Set(before, variables), secret: true);
    }

    /// <summary>Whether there is a description of ours.</summary>
    /// <exception cref="HostException">It is somebody else's.</exception>
    public static bool IsThere(ServiceManager manager, string path)
    {
        FileInfo file = new(path);
        if (!file.Exists && file.LinkTarget is null)
        {
            return false;
        }
        if (file.LinkTarget is not null || !manager.IsOurs(File.ReadAllText(path)))
        {
            throw new HostException(ExitCode.InUse, $"{path} was not written by `tunnelmesh service install`, so it is not removed either. Remove it by hand if it should go.");
        }
        return true;
    }

    private static void Write(string path, string text, bool secret)
    {
        string directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
        }
        PrivateFile.Replace(path, System.Text.Encoding.UTF8.GetBytes(text), secret ? UnixFileMode.None : UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }
}
