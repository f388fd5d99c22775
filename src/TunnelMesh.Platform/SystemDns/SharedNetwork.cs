using System.Globalization;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>Whether the system's resolver belongs to the network this process is in.</summary>
internal static class SharedNetwork
{
    private const string ResolvConf = "/etc/resolv.conf";
    private const int MaxAncestors = 64;

    /// <summary>
    /// Why the system must not be set up from here, or null. In a network namespace of its own a process shares /etc/resolv.conf, and the services behind it, with programs
    /// that cannot reach its mesh; unless the file is mounted for that namespace, as ip-netns(8) does with /etc/netns/NAME/resolv.conf.
    /// </summary>
    internal static string? Obstacle()
    {
        if (!OperatingSystem.IsLinux() || ProcLink.Target("/proc/self/ns/net") is not { } own)
        {
            return null;
        }
        string mounts = SystemDnsPlaces.ReadText("/proc/self/mountinfo");
        // Where the first process may not be looked at, those that started this one tell; and a namespace that has a name is never the system's.
        (int Process, string Network)[] outside = [.. Ancestors().Where(a => a.Network != own)];
        bool apart = ProcLink.Target("/proc/1/ns/net") is { } first ? first != own : IsNamed(mounts, own) || outside.Length > 0;
        string theirs = string.Join('\n', outside.Select(a => a.Process).Prepend(1).Select(p => SystemDnsPlaces.ReadText(string.Create(CultureInfo.InvariantCulture, $"/proc/{p}/mountinfo"))));
        return !apart || IsMounted(mounts, theirs) ? null
            : "this peer runs in a network namespace of its own, whose /etc/resolv.conf is that of other programs as well. Give the namespace its own (/etc/netns/NAME/resolv.conf), or ask the resolver where dns.listen says.";
    }

    /// <summary>True when the file, or its directory, is a mount point here that is not that of others.</summary>
    /// <param name="own">See proc_pid_mountinfo(5): the fifth field is the mount point, the fourth what is mounted.</param>
    /// <param name="theirs">The same of processes in other networks; empty when they may not be looked at.</param>
    internal static bool IsMounted(string own, string theirs)
    {
        HashSet<string> others = [.. Points(theirs)];
        return Points(own).Any(p => !others.Contains(p));
    }

    /// <summary>True when a namespace is mounted somewhere, which is how it gets a name.</summary>
    internal static bool IsNamed(string mountinfo, string own) => mountinfo.Split('\n').Select(l => l.Split(' ')).Any(f => f.Length > 4 && f[3] == own);

    private static IEnumerable<string> Points(string mountinfo) =>
        mountinfo.Split('\n').Select(l => l.Split(' ')).Where(f => f.Length > 4 && (f[4] == ResolvConf || f[4] == "/etc")).Select(f => $"{f[2]} {f[3]} {f[4]}");

    private static IEnumerable<(int Process, string Network)> Ancestors()
    {
        int process = Environment.ProcessId;
        for (int i = 0; i < MaxAncestors && process > 1; i++)
        {
            // Everything behind the program's name, which may hold anything: state, then the parent (proc_pid_stat(5)).
            string stat = SystemDnsPlaces.ReadText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 2 || !int.TryParse(fields[1], CultureInfo.InvariantCulture, out process))
            {
                yield break;
            }
            if (ProcLink.Target(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/ns/net")) is { } network)
            {
                yield return (process, network);
            }
        }
    }
}
