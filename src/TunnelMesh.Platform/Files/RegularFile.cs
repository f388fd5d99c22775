using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Files;

/// <summary>
/// Reads small files that lie where somebody else may write. On Linux nothing that stands there in place of a file makes this process wait (fifo(7)), and nowhere does it fill the memory. Any thread.
/// </summary>
public static class RegularFile
{
    private const int FirstBytes = 4096;

    /// <summary>All of a file.</summary>
    /// <param name="path">The file; symbolic links are followed.</param>
    /// <param name="maxBytes">Most that it may hold.</param>
    /// <exception cref="InvalidDataException">It is no regular file, or larger.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        if (OperatingSystem.IsLinux())
        {
            using SafeFileDescriptor file = Open(path, follow: true);
            return Read(file, path, maxBytes);
        }

        return new FileInfo(path).Length <= maxBytes ? File.ReadAllBytes(path) : throw TooLarge(path, maxBytes);
    }

    /// <summary>Opens a file for reading, on Linux. Nobody is kept from having it open.</summary>
    /// <param name="path">The file.</param>
    /// <param name="follow">Whether it may be a symbolic link. Those among the directories on the way are followed in any case.</param>
    /// <exception cref="InvalidDataException">It is no regular file.</exception>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    internal static SafeFileDescriptor Open(string path, bool follow)
    {
        SafeFileDescriptor file = LinuxNative.Open(path, LinuxNative.OCloExec | LinuxNative.ONonBlock | (follow ? 0 : LinuxNative.ONoFollow), 0);
        if (file.IsInvalid)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error switch
            {
                UnixNative.ENoEnt or UnixNative.ENotDir => new FileNotFoundException($"{path} does not exist.", path),
                UnixNative.EAcces or UnixNative.EPerm => new UnauthorizedAccessException($"{path} may not be read."),
                LinuxNative.ELoop => new InvalidDataException($"{path} is a symbolic link"),
                // A socket, or a device that is not there.
                UnixNative.ENxIo or UnixNative.ENoDev => Irregular(path),
                _ => new IOException($"{path} cannot be opened: {UnixNative.Describe(error)}."),
            };
        }

        // What the kernel does not describe is taken for what it seems.
        if (LinuxFileStatus.Of(file) is { IsRegular: false })
        {
            file.Dispose();
            throw Irregular(path);
        }

        return file;
    }

    /// <summary>All of a file that is open, from where it stands.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its name, for people.</param>
    /// <param name="maxBytes">Most that it may hold.</param>
    /// <exception cref="InvalidDataException">It is larger.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static unsafe byte[] Read(SafeFileDescriptor file, string path, int maxBytes)
    {
        byte[] content = new byte[Math.Min(FirstBytes, maxBytes + 1)];
        for (int length = 0; ;)
        {
            nint read;
            fixed (byte* rest = content.AsSpan(length))
            {
                read = UnixNative.Read(file, rest, (nuint)(content.Length - length));
            }

            int error = read < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (read == 0)
            {
                return content[..length];
            }

            if (read < 0 && error != UnixNative.EIntr)
            {
                throw new IOException($"{path} cannot be read: {UnixNative.Describe(error)}.");
            }

            length += (int)Math.Max(read, 0);
            if (length > maxBytes)
            {
                throw TooLarge(path, maxBytes);
            }

            if (length == content.Length)
            {
                Array.Resize(ref content, Math.Min(2 * length, maxBytes + 1));
            }
        }
    }

    private static InvalidDataException Irregular(string path) => new($"{path} is no regular file");

    private static InvalidDataException TooLarge(string path, int maxBytes) => new($"{path} is larger than {maxBytes} bytes");
}
