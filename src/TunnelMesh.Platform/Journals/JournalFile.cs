using System.Runtime.InteropServices;
using TunnelMesh.Platform.Files;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Platform.Journals;

/// <summary>
/// Looks at journals, some of which lie where a user may put anything in their place. On Linux one counts only when it is a regular file, no link, of the user whose rights this process has or of root. Any thread.
/// </summary>
internal static class JournalFile
{
    /// <summary>All of a journal that no process holds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">Most that it may hold.</param>
    /// <exception cref="InvalidDataException">It is no file that a journal may be, or larger.</exception>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be read, or a process holds it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is another user's.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            // The framework asks for the lock itself.
            return RegularFile.Read(path, maxBytes);
        }

        using SafeFileDescriptor file = Open(path);
        return IsHeld(file) ? throw new IOException($"{path} is in use by another process.") : RegularFile.Read(file, path, maxBytes);
    }

    /// <summary>The same, whoever holds it; null for none, and for one that cannot be read (Linux only).</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">Most that it may hold.</param>
    public static byte[]? Peek(string path, int maxBytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            using SafeFileDescriptor file = Open(path);
            return RegularFile.Read(file, path, maxBytes);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether a process holds it. Whoever asks has it for an instant, beside others who ask.</summary>
    /// <param name="path">The file, whosever it is.</param>
    /// <exception cref="InvalidDataException">It is no file that a journal may be, so that nobody holds it as one.</exception>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be told; elsewhere than on Linux also when a process holds it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked at.</exception>
    public static bool IsHeld(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            using SafeFileDescriptor file = RegularFile.Open(path, follow: false);
            return IsHeld(file);
        }

        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read).Dispose();
        return false;
    }

    private static SafeFileDescriptor Open(string path)
    {
        SafeFileDescriptor file = RegularFile.Open(path, follow: false);
        if (LinuxFileStatus.Of(file) is { Owner: not 0 and var owner } && owner != UnixUsers.EffectiveUserId)
        {
            file.Dispose();
            throw new UnauthorizedAccessException($"it belongs to user {owner}, who may have written there what only root may have undone.");
        }

        return file;
    }

    // As the framework does for who opens a file to share it with readers. A file system without locks keeps nobody out.
    private static bool IsHeld(SafeFileDescriptor file) =>
        LinuxNative.FLock(file, LinuxNative.LockShared | LinuxNative.LockNoWait) != 0 && Marshal.GetLastPInvokeError() == LinuxNative.EAgain;
}
