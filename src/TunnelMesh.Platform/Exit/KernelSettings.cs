namespace TunnelMesh.Platform.Exit;

/// <summary>Settings of the kernel's network, as files below a folder.</summary>
/// <param name="root"><c>/proc/sys</c>; tests have one of their own.</param>
internal sealed class KernelSettings(string root)
{
    private const string Forward4 = "net/ipv4/ip_forward", Forward6 = "net/ipv6/conf/all/forwarding", Source = "net/ipv4/conf/all/rp_filter";

    /// <summary>What an exit changes: packets are passed on. A machine that passes on IPv6 would no longer believe routers, and lose its own way out, unless it is told to (accept_ra 2).</summary>
    /// <param name="before">What an earlier process changed already.</param>
    public IReadOnlyList<SavedSetting> ForServing(IReadOnlyList<SavedSetting> before)
    {
        string conf = Path.Combine(root, "net/ipv6/conf");
        IEnumerable<(string, string)> routers = Directory.Exists(conf) && Read(Forward6) == "0"
            ? Directory.GetDirectories(conf).Select(d => $"net/ipv6/conf/{Path.GetFileName(d)}/accept_ra").Where(p => Read(p) == "1").Order(StringComparer.Ordinal).Select(p => (p, "2"))
            : [];
        return Plan([.. routers, (Forward4, "1"), (Forward6, "1")], before);
    }

    /// <summary>
    /// What a user of an exit changes: the kernel no longer insists that an answer comes in where a packet of a program would leave (RFC 3704, strict), since those of the mesh's own packets do not;
    /// it only insists that there is a way (loose).
    /// </summary>
    /// <param name="before">What an earlier process changed already.</param>
    public IReadOnlyList<SavedSetting> ForUse(IReadOnlyList<SavedSetting> before) => Plan([(Source, "2")], before);

    /// <summary>Writes what is planned.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Apply(IReadOnlyList<SavedSetting> settings)
    {
        foreach (SavedSetting setting in settings)
        {
            Write(setting.Path, setting.Ours);
        }
    }

    /// <summary>Writes what was before, last first, where ours is still there.</summary>
    /// <returns>Why it failed, for people; null when all is as before.</returns>
    public string? Undo(IReadOnlyList<SavedSetting> settings)
    {
        string? problem = null;
        foreach (SavedSetting setting in settings.Reverse())
        {
            try
            {
                if (Read(setting.Path) == setting.Ours)
                {
                    Write(setting.Path, setting.Before);
                }
            }
            catch (ExitException e)
            {
                problem ??= e.Message;
            }
        }

        return problem;
    }

    private SavedSetting[] Plan((string Path, string Wanted)[] wanted, IReadOnlyList<SavedSetting> before) =>
    [
        // What an earlier process found is what comes back in the end.
        .. before,
        .. wanted.Where(w => before.All(b => b.Path != w.Path) && Read(w.Path) is { } now && now != w.Wanted).Select(w => new SavedSetting(w.Path, Read(w.Path)!, w.Wanted)),
    ];

    private string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, path)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Write(string path, string value)
    {
        try
        {
            File.WriteAllText(Path.Combine(root, path), value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExitException($"The setting {path.Replace('/', '.')} cannot be changed to {value}: {e.Message}", e);
        }
    }
}
