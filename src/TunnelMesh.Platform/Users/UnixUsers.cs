using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Users;

/// <summary>Who this process is, which users there are, and who owns a file. Unix only; elsewhere the answers say so.</summary>
public static partial class UnixUsers
{
    /// <summary>Stands for no user: no user has this id.</summary>
    public const uint Unknown = uint.MaxValue;

    /// <summary>Effective user id; <see cref="Unknown"/> on systems without one.</summary>
    public static uint EffectiveUserId => OperatingSystem.IsWindows() ? Unknown : GetEffectiveUserId();

    /// <summary>Number of a group in /etc/group, or null when there is none by that name.</summary>
    /// <param name="name">Group name.</param>
    public static uint? FindGroup(string name)
    {
        if (OperatingSystem.IsWindows() || !File.Exists("/etc/group"))
        {
            return null;
        }
        foreach (string line in File.ReadLines("/etc/group"))
        {
            string[] parts = line.Split(':');
            if (parts.Length >= 3 && parts[0] == name && uint.TryParse(parts[2], out uint id))
            {
                return id;
            }
        }
        return null;
    }

    /// <summary>Gives a file to a group, its owner unchanged.</summary>
    /// <param name="path">The file.</param>
    /// <param name="group">Group id.</param>
    /// <returns>False when the system refused.</returns>
    public static bool TrySetGroup(string path, uint group) => !OperatingSystem.IsWindows() && ChangeOwner(path, Unknown, group) == 0;

    /// <summary>Number of the user who owns a file or directory, links followed; null when there is none or the system does not say (Linux only).</summary>
    /// <param name="path">Which.</param>
    public static uint? OwnerOf(string path) => LinuxFileStatus.Of(path, follow: true)?.Owner;

    /// <summary>A file or directory as it is, links not followed; null when there is none or the system does not say (Linux only).</summary>
    /// <param name="path">Which.</param>
    public static UnixFileStatus? StatusOf(string path)
    {
        const int permissions = 0xFFF;
        return LinuxFileStatus.Of(path, follow: false) is { } status ? new UnixFileStatus(status.Owner, (UnixFileMode)(status.Mode & permissions), new FileInfo(path).LinkTarget) : null;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
