namespace TunnelMesh.Platform.SystemDns;

/// <summary>Whether the system's resolver belongs to the network this process is in.</summary>
internal static class SharedNetwork
{
    private const string ResolvConf = "/etc/resolv.conf";

    /// <summary>
    /// Why the system must not be set up from here, or null. In a network namespace of its own a process shares /etc/resolv.conf, and the services behind it, with programs
    /// that cannot reach its mesh; unless the file is mounted for that namespace, as ip-netns(8) does with /etc/netns/NAME/resolv.conf.
    /// </summary>
    internal static string? Obstacle()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        string? first = Link("/proc/1/ns/net"), own = Link("/proc/self/ns/net");
        return first is null || own is null || first == own || IsMounted(SystemDnsPlaces.ReadText("/proc/self/mountinfo"))
            ? null
            : "this peer runs in a network namespace of its own, whose /etc/resolv.conf is that of other programs as well. Give the namespace its own (/etc/netns/NAME/resolv.conf), or ask the resolver where dns.listen says.";
    }

    /// <summary>True when the file, or its directory, is a mount point.</summary>
    /// <param name="mountinfo">See proc_pid_mountinfo(5): the fifth field.</param>
    internal static bool IsMounted(string mountinfo) =>
        mountinfo.Split('\n').Select(l => l.Split(' ')).Any(f => f.Length > 4 && (f[4] == ResolvConf || f[4] == "/etc"));

    private static string? Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
