namespace TunnelMesh.Platform.Exit;

/// <summary>Other programs of this machine that need the kernel to pass packets on, known by the interfaces that they make.</summary>
internal static class Forwarders
{
    // Docker, podman, libvirt, LXC, LXD, Incus, and the networks of Kubernetes.
    private static readonly string[] Prefixes = ["docker", "br-", "podman", "virbr", "lxcbr", "lxdbr", "incusbr", "cni", "flannel", "cilium", "kube-bridge", "weave"];

    /// <summary>Their interfaces, by name; none where the system does not list them.</summary>
    /// <param name="folder">Has an entry for each interface of the machine.</param>
    public static IReadOnlyList<string> List(string folder = "/sys/class/net")
    {
        try
        {
            return [.. Directory.GetFileSystemEntries(folder).Select(e => Path.GetFileName(e)).Where(n => Prefixes.Any(p => n.StartsWith(p, StringComparison.Ordinal))).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
