namespace TunnelMesh.Platform.SystemDns;

/// <summary>
/// Keeps one file writable in the unit of a hardened service. systemd mounts the file that is there at the start; whoever puts another in its place by a rename takes the mount away with it, and the new file is read-only
/// here as its directory is. systemd mounts that one, too, when it is asked (`systemctl bind`, systemd 248 and later), so that no more of the directory has to be open to the service. To be made at the start of the process; one thread at a time.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="find">The path of a program, or null.</param>
/// <param name="run">Runs one to its end; throws <see cref="SystemDnsException"/>.</param>
/// <param name="read">The text of a file of /proc; empty when it cannot be read.</param>
internal sealed class UnitOpening(string path, Func<string, string?> find, Action<string, IReadOnlyList<string>> run, Func<string, string> read)
{
    // Each may add a mount that helps nothing.
    private const int MaxVain = 3;
    private const string ReadOnly = "ro";
    // What an administrator's own unit keeps closed stays closed.
    private readonly string? _unit = Covering(read("/proc/self/mountinfo"), path).Point == path ? UnitOf(read("/proc/self/cgroup")) : null;
    private int _vain;

    /// <summary>Why it is not writable, for people; null when all is well, and where no unit had opened it up.</summary>
    public string? Problem { get; private set; }

    /// <summary>Looks, and has it opened up where another is in its place. To be called before it is written and every few seconds. May run a program of the system.</summary>
    public void Keep()
    {
        if (_unit is null || Covering(read("/proc/self/mountinfo"), path).IsOpen || new FileInfo(path) is not { Exists: true, LinkTarget: null })
        {
            (_vain, Problem) = (0, null);
            return;
        }
        bool isOpen = false;
        if (_vain < MaxVain && find("systemctl") is { } systemctl)
        {
            try
            {
                run(systemctl, ["--no-ask-password", "bind", _unit, path]);
                isOpen = Covering(read("/proc/self/mountinfo"), path).IsOpen;
            }
            catch (SystemDnsException)
            {
                // An older systemd does not know how.
            }
        }
        _vain = isOpen ? 0 : _vain + 1;
        Problem = isOpen ? null : $"Another program has put another file in the place of {path}, and this service may not write to that one before it is started anew: systemctl restart {_unit}";
    }

    /// <summary>The mount in which a file is seen, and whether it can be written to as far as that goes (proc_pid_mountinfo(5): the fifth field is the mount point, the sixth has its options).</summary>
    internal static (string Point, bool IsOpen) Covering(string mountinfo, string path)
    {
        (string Point, bool IsOpen) found = ("", true);
        foreach (string[] fields in mountinfo.Split('\n').Select(l => l.Split(' ')).Where(f => f.Length > 5))
        {
            string point = fields[4];
            bool holds = point == path || path.StartsWith(point.TrimEnd('/') + "/", StringComparison.Ordinal);
            // Of several at one place the last is on top.
            if (holds && point.Length >= found.Point.Length)
            {
                found = (point, !fields[5].Split(',').Contains(ReadOnly));
            }
        }
        return found;
    }

    /// <summary>The unit whose process this is; null where it is none of a service.</summary>
    internal static string? UnitOf(string cgroup) =>
        cgroup.Split('\n').Select(l => l[(l.LastIndexOf('/') + 1)..]).FirstOrDefault(name => name.EndsWith(".service", StringComparison.Ordinal));
}
