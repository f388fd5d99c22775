using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>A resolv.conf that belongs to one machine alone: `ip netns exec` mounts it over /etc/resolv.conf for every program there.</summary>
internal sealed class OwnResolvConf : IDisposable
{
    private readonly string _folder;

    public OwnResolvConf(NetworkNamespace machine, string text)
    {
        _folder = $"/etc/netns/{machine.Name}";
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path, text);
    }

    public string Path => System.IO.Path.Combine(_folder, "resolv.conf");

    public string Text => File.ReadAllText(Path);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
