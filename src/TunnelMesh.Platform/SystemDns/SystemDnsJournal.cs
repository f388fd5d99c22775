using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>The journal of the system's resolver.</summary>
/// <param name="path">The file; its directory exists.</param>
public sealed class SystemDnsJournal(string path) : SystemJournal<SystemDnsEntry>(path, SystemDnsJson.Default.SystemDnsEntry,
    entry => entry.Files is not null && entry.Files.All(f => f is { Path.Length: > 0, Ours: not null }),
    ("the DNS set-up", "If names do not resolve, look at /etc/resolv.conf."));
