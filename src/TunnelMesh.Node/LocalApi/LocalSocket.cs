using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Node.LocalApi;

/// <summary>Where the control socket may lie, and who is at its other end.</summary>
public static class LocalSocket
{
    /// <summary>Longest request or response line in bytes, the newline included: requests.</summary>
    public const int MaxRequestBytes = 64 * 1024;
    /// <summary>Longest response line in bytes: a map of tens of thousands of devices.</summary>
    public const int MaxResponseBytes = 64 * 1024 * 1024;
    /// <summary>Connections served at once.</summary>
    public const int MaxConnections = 32;
    /// <summary>A connection without a request for this long is closed.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30);

    // sun_path is 108 bytes on Linux, 104 on BSD and macOS, its terminating zero included (unix(7)).
    private static int MaxPathBytes => OperatingSystem.IsLinux() ? 107 : 103;

    /// <summary>Checks that the system can hold a socket at <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The path is too long; the message says by how much and what to do.</exception>
    public static void CheckPath(string path)
    {
        int bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes > MaxPathBytes)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture,
                $"The control socket {path} has a path of {bytes} bytes; the system allows {MaxPathBytes}. Set TUNNELMESH_HOME to a shorter directory."));
        }
    }

    /// <summary>The file that whoever serves a socket holds, from before until after.</summary>
    internal static string HoldOf(string path) => Path.ChangeExtension(path, ".lock");

    /// <summary>True while a peer has the place of a socket, also when it answers no more. One of before there was a hold counts by its socket.</summary>
    internal static bool IsServed(string path) => File.Exists(HoldOf(path)) ? JournalLock.IsHeld(HoldOf(path)) : File.Exists(path);

    /// <summary>Process and user at the other end (SO_PEERCRED); null where the system does not tell.</summary>
    internal static (int Pid, uint Uid)? GetPeer(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        Span<byte> credentials = stackalloc byte[12];
        const int solSocket = 1, soPeerCred = 17;
        return socket.GetRawSocketOption(solSocket, soPeerCred, credentials) == 12
            ? (BinaryPrimitives.ReadInt32LittleEndian(credentials), BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]))
            : null;
    }
}
