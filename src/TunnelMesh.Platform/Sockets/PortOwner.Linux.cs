using System.Globalization;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Looks through the kernel's socket tables and the descriptors of every process in /proc.</summary>
internal static class LinuxPortOwner
{
    // A TCP port is held by its listener; connections that merely use the number do not stand in the way (TCP_LISTEN).
    private const string Listening = "0A";

    public static string? Find(ProtocolType protocol, int port)
    {
        try
        {
            bool tcp = protocol == ProtocolType.Tcp;
            var inodes = new HashSet<string>(StringComparer.Ordinal);
            AddInodes(tcp ? "/proc/net/tcp" : "/proc/net/udp", port, tcp, inodes);
            AddInodes(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port, tcp, inodes);
            return inodes.Count == 0 ? null : FindProcess(inodes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
    private static void AddInodes(string table, int port, bool listenersOnly, HashSet<string> inodes)
    {
        if (!File.Exists(table))
        {
            return;
        }

        string suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (string line in File.ReadLines(table))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(suffix, StringComparison.Ordinal) && (!listenersOnly || fields[3] == Listening))
            {
                inodes.Add($"socket:[{fields[9]}]");
            }
        }
    }

    private static string? FindProcess(HashSet<string> sockets)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            string id = Path.GetFileName(process);
            if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                continue;
            }

            try
            {
                foreach (string fd in Directory.EnumerateFiles(process + "/fd"))
                {
                    if (new FileInfo(fd).LinkTarget is { } target && sockets.Contains(target))
                    {
                        return $"{File.ReadAllText(process + "/comm").Trim()} (process {id})";
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process ended meanwhile, or is not ours to look into.
            }
        }

        return null;
    }
}
