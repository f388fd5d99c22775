using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TunnelMesh.Cli.Logging;

/// <summary>Standard output that tells when nobody reads it any more, so that a command without an end ends. The console's own writer keeps that to itself.</summary>
internal static class StandardOutput
{
    private const int StandardDescriptor = 1;
    // EPIPE, on Linux and macOS.
    private const int BrokenPipe = 32;

    /// <summary>The writer of this process: to a pipe one that fails once the pipe is closed, else (terminal, file, Windows) the console's.</summary>
    public static TextWriter Open()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return Console.Out;
        }
        try
        {
            // A file is left to the console: a stream of its own would not move the offset that the next command goes on from.
            FileStream stream = Stream(new SafeFileHandle(StandardDescriptor, ownsHandle: false));
            return stream.CanSeek ? Console.Out : Over(stream);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Console.Out;
        }
    }

    /// <summary>A writer to the end of a pipe; each write goes out at once. Any thread.</summary>
    /// <param name="pipe">Where to; stays the caller's when it does not own its descriptor.</param>
    internal static TextWriter ToPipe(SafeFileHandle pipe) => Over(Stream(pipe));

    /// <summary>True for the failure to write to a pipe that its reader has closed.</summary>
    /// <param name="failure">What a writer threw.</param>
    public static bool IsClosed(IOException failure) => failure.HResult == BrokenPipe && !OperatingSystem.IsWindows();

    private static FileStream Stream(SafeFileHandle handle) => new(handle, FileAccess.Write, bufferSize: 0);

    private static TextWriter Over(FileStream stream) => TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true });
}
