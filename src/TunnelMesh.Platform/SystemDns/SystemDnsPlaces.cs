namespace TunnelMesh.Platform.SystemDns;

/// <summary>Where a system keeps what concerns names. Tests have a place of their own.</summary>
public sealed record SystemDnsPlaces
{
    /// <summary>The library's configuration.</summary>
    public string ResolvConf { get; init; } = "/etc/resolv.conf";
    /// <summary>Run-time directory of systemd-resolved.</summary>
    public string Resolved { get; init; } = "/run/systemd/resolve";
    /// <summary>Resolvers by domain, on macOS.</summary>
    public string Resolvers { get; init; } = "/etc/resolver";
    /// <summary>Where programs lie.</summary>
    public IReadOnlyList<string> Programs { get; init; } = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    /// <summary>Where the journal is, for people who read what was written.</summary>
    public string Journal { get; init; } = "";

    /// <summary>The path of a program, or null.</summary>
    public string? Find(string program) => Programs.Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    /// <summary>The text of a file; empty when it cannot be read.</summary>
    internal static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
