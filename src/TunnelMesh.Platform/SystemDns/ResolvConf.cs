using System.Net;
using System.Text;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>The text of resolv.conf(5). Pure.</summary>
public static class ResolvConf
{
    /// <summary>Servers that the system's library asks at most (MAXNS).</summary>
    public const int MaxServers = 3;

    /// <summary>How a text of ours begins.</summary>
    public const string Marker = "# TunnelMesh";

    private const string Kept = "Kept in ", NotAsked = "# nameserver ";

    /// <summary>Where the journal of a text of ours is; null when it does not say.</summary>
    public static string? JournalOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int begin = text.IndexOf(Kept, StringComparison.Ordinal), end = begin < 0 ? -1 : text.IndexOf(".\n", begin, StringComparison.Ordinal);
        return IsOurs(text) && end > 0 ? text[(begin + Kept.Length)..end] : null;
    }

    /// <summary>What a text of ours leaves when its journal is lost: the servers of before that it names, and the rest.</summary>
    public static string WithoutOurs(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] lines = text.Split('\n');
        int own = Array.FindIndex(lines, l => l.StartsWith("nameserver ", StringComparison.Ordinal));
        return IsOurs(text) ? string.Join('\n', lines.Skip(own + 1).Select(l => l.StartsWith(NotAsked, StringComparison.Ordinal) ? l[2..] : l)) : text;
    }

    /// <summary>True for a text of ours.</summary>
    public static bool IsOurs(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith(Marker, StringComparison.Ordinal);
    }

    /// <summary>The servers it names, in order; what is no address is passed over.</summary>
    public static IReadOnlyList<IPAddress> Servers(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<IPAddress> servers = [];
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && words[0] == "nameserver" && IPAddress.TryParse(words[1], out IPAddress? address) && !servers.Contains(address))
            {
                servers.Add(address);
            }
        }
        return servers;
    }

    /// <summary>Ours: this resolver first, then the first servers of before, so that everything but the mesh works without us; search list and options as they were.</summary>
    /// <param name="before">The text of before; empty when there was none.</param>
    /// <param name="own">This resolver.</param>
    /// <param name="backup">Where the text of before is kept, for people.</param>
    /// <param name="alone">Whether those of before are only noted, and nobody asks them.</param>
    public static string Write(string before, IPAddress own, string backup, bool alone = false)
    {
        ArgumentNullException.ThrowIfNull(own);
        StringBuilder text = new($"{Marker} wrote this while its peer runs, and puts back what was here when it stops.\n# This peer answers names of the mesh and asks the servers of before for the rest;\n# they follow {(alone ? "but are not asked past the exit peer" : "as a reserve")}. {Kept}{backup}.\n");
        text.Append("nameserver ").Append(own).Append('\n');
        foreach (IPAddress server in Servers(before).Where(s => !s.Equals(own)).Take(MaxServers - 1))
        {
            text.Append(alone ? NotAsked : "nameserver ").Append(server).Append('\n');
        }
        foreach (string line in before.Split('\n').Select(l => l.TrimEnd('\r')))
        {
            string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["search" or "domain" or "options" or "sortlist", ..])
            {
                text.Append(line).Append('\n');
            }
        }
        return text.ToString();
    }
}
