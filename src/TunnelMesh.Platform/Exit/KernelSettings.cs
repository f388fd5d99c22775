namespace TunnelMesh.Platform.Exit;

/// <summary>Settings of the kernel's network, as files below a folder.</summary>
/// <param name="root"><c>/proc/sys</c>; tests have one of their own.</param>
internal sealed class KernelSettings(string root)
{
    private const string Forward4 = "net/ipv4/ip_forward", Forward6 = "net/ipv6/conf/all/forwarding", Redirects = "net/ipv4/conf/all/accept_redirects", Source = "net/ipv4/conf/all/rp_filter";

    /// <summary>What an exit changes: packets are passed on. A machine that passes on IPv6 would no longer believe routers, and lose its own way out, unless it is told to (accept_ra 2).</summary>
    /// <param name="before">What an earlier process changed already.</param>
    public IReadOnlyList<SavedSetting> ForServing(IReadOnlyList<SavedSetting> before)
    {
        string conf = Path.Combine(root, "net/ipv6/conf");
        List<SavedSetting> plan = [.. before];
        foreach (string folder in Directory.Exists(conf) && Read(Forward6) == "0" ? Directory.GetDirectories(conf) : [])
        {
            string accept = $"net/ipv6/conf/{Path.GetFileName(folder)}/accept_ra";
            if (Read(accept) == "1")
            {
                Plan(plan, accept, "2");
            }
        }

        // The kernel turns it off with forwarding, and on without, whatever it was; so it comes back after that.
        if (Read(Forward4) == "0" && !plan.Exists(p => p.Path == Redirects) && Read(Redirects) is { } redirects)
        {
            plan.Add(new SavedSetting(Redirects, redirects, "0"));
        }

        Plan(plan, Forward4, "1");
        Plan(plan, Forward6, "1");
        return plan;
    }

    /// <summary>
    /// What a user of an exit changes: the kernel no longer insists that an answer comes in where a packet of a program would leave (RFC 3704, strict), since those of the mesh's own packets do not;
    /// it only insists that there is a way (loose).
    /// </summary>
    /// <param name="before">What an earlier process changed already.</param>
    public IReadOnlyList<SavedSetting> ForUse(IReadOnlyList<SavedSetting> before)
    {
        List<SavedSetting> plan = [.. before];
        Plan(plan, Source, "2");
        return plan;
    }

    /// <summary>What somebody has turned off since, so that nothing is passed on; null while all is well. A family that the kernel does not have is none.</summary>
    public string? NotForwarding() => new[] { Forward4, Forward6 }.FirstOrDefault(p => Read(p) == "0")?.Replace('/', '.');

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
        // All before the first is written, since one may change another.
        SavedSetting[] ours = [.. settings.Where(s => Read(s.Path) == s.Ours)];
        foreach (SavedSetting setting in ours.Reverse())
        {
            try
            {
                Write(setting.Path, setting.Before);
            }
            catch (ExitException e)
            {
                problem ??= e.Message;
            }
        }

        return problem;
    }

    // What an earlier process found is what comes back in the end.
    private void Plan(List<SavedSetting> plan, string path, string wanted)
    {
        if (!plan.Exists(p => p.Path == path) && Read(path) is { } now && now != wanted)
        {
            plan.Add(new SavedSetting(path, now, wanted));
        }
    }

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
            throw new ExitException($"The setting {path.Replace('/', '.')} cannot be changed to {value}: {e.Message}", e) { OfSetting = true };
        }
    }
}
