using TunnelMesh.Protocol.Identity;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Ssh;

/// <summary>A key made by ssh-keygen.</summary>
internal sealed record OpenSshKey(string Path, IdentityKey Identity)
{
    /// <summary>The line of the public key.</summary>
    public string PublicLine => File.ReadAllText(Path + ".pub").Trim();

    public static async Task<OpenSshKey> MakeAsync(string folder, string name, CancellationToken cancel)
    {
        string path = System.IO.Path.Combine(folder, name);
        await Command.RunAsync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], cancel: cancel);
        return new OpenSshKey(path, IdentityKey.ParseOpenSshPrivate(await File.ReadAllTextAsync(path, cancel)));
    }
}
