using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Files;

/// <summary>
/// Files that are their owner's alone from their first byte on (0600; on Windows the directory decides), and written whole or not at all: a temporary file beside it, synchronised, then renamed.
/// Throws what <see cref="FileStream"/> and <see cref="File.Move(string, string, bool)"/> do. Any thread.
/// </summary>
public static class PrivateFile
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // EWOULDBLOCK of flock(2) on Linux and macOS, and ERROR_SHARING_VIOLATION.
    private const int LinuxHeld = 11, MacOSHeld = 35, WindowsHeld = unchecked((int)0x80070020);

    /// <summary>Opens a file for reading and writing; nobody else may have it open.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">The owner alone gets what is made here; a file that exists keeps its rights.</param>
    /// <param name="others">Further rights of a file that is made here.</param>
    public static FileStream Open(string path, FileMode mode, UnixFileMode others = UnixFileMode.None)
    {
        FileStreamOptions options = new() { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Owner | others;
        }

        return new FileStream(path, options);
    }

    /// <summary>Holds a file that stands for something only one may have at a time.</summary>
    /// <param name="path">The file; made when missing. It stays, since whoever took it away could take another's that was just made.</param>
    /// <returns>The hold, which ends when it is disposed of, and with the process at the latest; null while another has it, in this process or elsewhere.</returns>
    public static FileStream? TryHold(string path)
    {
        try
        {
            return Open(path, FileMode.OpenOrCreate);
        }
        catch (IOException e) when (e.HResult == (OperatingSystem.IsWindows() ? WindowsHeld : OperatingSystem.IsMacOS() ? MacOSHeld : LinuxHeld))
        {
            return null;
        }
    }

    /// <summary>Writes a file that has one writer at a time, in place of what is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    /// <param name="others">Further rights, for what is no secret.</param>
    public static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode others = UnixFileMode.None)
    {
        string temporary = path + ".tmp";
        // A leftover of a crash might have other rights, and goes.
        File.Delete(temporary);
        Put(temporary, path, content, others, overwrite: true);
    }

    /// <summary>The same where several may write at once: the last one's stays.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    public static void ReplaceShared(string path, ReadOnlySpan<byte> content) => Put(Unique(path), path, content, UnixFileMode.None, overwrite: true);

    /// <summary>Writes a file that is not there yet: of several that try, the first one's stays.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    /// <returns>False when there was one, which is left as it is.</returns>
    public static bool TryWriteNew(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            Put(Unique(path), path, content, UnixFileMode.None, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    private static string Unique(string path) => $"{path}.{Guid.NewGuid():N}.tmp";

    private static void Put(string temporary, string path, ReadOnlySpan<byte> content, UnixFileMode others, bool overwrite)
    {
        try
        {
            using (FileStream file = Open(temporary, FileMode.CreateNew, others))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            if (overwrite || OperatingSystem.IsWindows())
            {
                File.Move(temporary, path, overwrite);
            }
            // The framework would look first and then rename, so that the last of several took the place of the first.
            else if (UnixNative.Link(temporary, path) != 0)
            {
                if (Marshal.GetLastPInvokeError() == UnixNative.EExist)
                {
                    throw new IOException($"{path} exists already.");
                }

                // Some file systems have no second name for a file.
                File.Move(temporary, path, overwrite: false);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
