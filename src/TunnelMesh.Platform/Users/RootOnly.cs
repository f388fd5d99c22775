namespace TunnelMesh.Platform.Users;

/// <summary>Whether only root may change what lies at a path: the file itself, and every directory on the way there, which could be given another. Pure.</summary>
public static class RootOnly
{
    // As the kernel has it (path_resolution(7)).
    private const int MaxLinks = 40;

    /// <summary>Looks for the first on the way that others than root may change. The bit that keeps users from each other's files in /tmp (sticky) makes no directory safe: a name that is free there is anybody's.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="look">Tells of a file or directory, links not followed; null when it cannot.</param>
    /// <param name="where">The one that was found; empty when the answer is null.</param>
    /// <returns>What is wrong with it, for people, as what follows its name; null when all is root's alone.</returns>
    public static string? FaultOf(string path, Func<string, UnixFileStatus?> look, out string where)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(look);
        Stack<string> rest = [];
        Push(path);
        int links = 0;
        where = "/";
        if (Judge(look(where)) is { } fault)
        {
            return fault;
        }
        for (string at = "/"; rest.TryPop(out string? name);)
        {
            if (name is "." or "..")
            {
                at = name == ".." ? Path.GetDirectoryName(at) ?? "/" : at;
                continue;
            }
            where = Path.Combine(at, name);
            UnixFileStatus? status = look(where);
            if (status is { LinkTarget: { } target })
            {
                if (++links > MaxLinks)
                {
                    return "leads round in circles";
                }
                at = target.StartsWith('/') ? "/" : at;
                Push(target);
                continue;
            }
            if (Judge(status) is { } problem)
            {
                return problem;
            }
            at = where;
        }
        where = "";
        return null;

        void Push(string further)
        {
            foreach (string name in further.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                rest.Push(name);
            }
        }
    }

    private static string? Judge(UnixFileStatus? status) => status switch
    {
        null => "cannot be looked at",
        { Owner: not 0 } other => $"belongs to user {other.Owner}",
        { Mode: var mode } when mode.HasFlag(UnixFileMode.OtherWrite) => "may be written to by everybody",
        { Mode: var mode } when mode.HasFlag(UnixFileMode.GroupWrite) => "may be written to by its group",
        _ => null,
    };
}
