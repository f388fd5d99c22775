using System.Globalization;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Finds who holds a UDP port, through /proc; other users' programs show only to root.</summary>
internal static class UdpPortOwner
{
    /// <summary>Name and number of the process, as <c>wireguard-go (process 812)</c>, or null.</summary>
    public static string? Find(int port)
    {
        try
        {
            var inodes = new HashSet<string>(StringComparer.Ordinal);
            AddInodes("/proc/net/udp", port, inodes);
            AddInodes("/proc/net/udp6", port, inodes);
            return inodes.Count == 0 ? null : FindProcess(inodes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void AddInodes(string table, int port, HashSet<string> inodes)
    {
        if (!File.Exists(table))
        {
            return;
        }

        string suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (string line in File.ReadLines(table))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(suffix, StringComparison.Ordinal))
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
