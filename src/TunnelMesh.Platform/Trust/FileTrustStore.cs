using TunnelMesh.Platform.Services;

namespace TunnelMesh.Platform.Trust;

/// <summary>A directory of certificates, and a program that makes what other programs read of it.</summary>
internal sealed class FileTrustStore : TrustStore
{
    private readonly string _directory, _ending;
    private readonly IReadOnlyList<string> _added, _removed;

    private FileTrustStore(string directory, string ending, IReadOnlyList<string> added, IReadOnlyList<string> removed, Func<IReadOnlyList<string>, (int Code, string Said)> run) : base(run) =>
        (_directory, _ending, _added, _removed) = (directory, ending, added, removed);

    /// <summary>Debian, Ubuntu, Alpine: update-ca-certificates(8). Without --fresh it leaves the links of what was removed.</summary>
    public static FileTrustStore Debian(string? root, Func<IReadOnlyList<string>, (int Code, string Said)> run)
    {
        string local = ServiceManager.Below(root, "/usr/local/share/ca-certificates");
        string[] places = root is null
            ? []
            :
            [
                "--localcertsdir", local, "--etccertsdir", ServiceManager.Below(root, "/etc/ssl/certs"), "--certsdir", ServiceManager.Below(root, "/usr/share/ca-certificates"),
                "--certsconf", ServiceManager.Below(root, "/etc/ca-certificates.conf"), "--hooksdir", ServiceManager.Below(root, "/etc/ca-certificates/update.d"),
            ];
        return new FileTrustStore(local, ".crt", ["update-ca-certificates", .. places], ["update-ca-certificates", "--fresh", .. places], run);
    }

    /// <summary>Fedora and its kin: update-ca-trust(8), which knows no other root.</summary>
    public static FileTrustStore RedHat(string? root, Func<IReadOnlyList<string>, (int Code, string Said)> run) => Plain(root, "/etc/pki/ca-trust/source/anchors", "update-ca-trust", run);

    /// <summary>SUSE: update-ca-certificates(8), a program of its own that is not Debian's.</summary>
    public static FileTrustStore Suse(string? root, Func<IReadOnlyList<string>, (int Code, string Said)> run) => Plain(root, "/etc/pki/trust/anchors", "update-ca-certificates", run);

    public override string Place(TrustAnchor anchor) => Path.Combine(_directory, anchor.FileName + _ending);

    public override bool IsPresent() => Directory.Exists(_directory);

    public override bool Has(TrustAnchor anchor) => File.Exists(Place(anchor)) && File.ReadAllText(Place(anchor)) == anchor.Pem;

    public override void Add(TrustAnchor anchor)
    {
        string file = Place(anchor), temporary = file + ".new";
        File.WriteAllText(temporary, anchor.Pem);
        if (!OperatingSystem.IsWindows())
        {
            // Whatever the umask: every program of the system has to read it.
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        File.Move(temporary, file, overwrite: true);
        try
        {
            RunIfAny(_added);
        }
        catch (TrustStoreException)
        {
            File.Delete(file);
            throw;
        }
    }

    public override void Remove(TrustAnchor anchor)
    {
        File.Delete(Place(anchor));
        RunIfAny(_removed);
    }

    private static FileTrustStore Plain(string? root, string directory, string program, Func<IReadOnlyList<string>, (int Code, string Said)> run)
    {
        IReadOnlyList<string> command = root is null ? [program] : [];
        return new FileTrustStore(ServiceManager.Below(root, directory), ".pem", command, command, run);
    }

    private void RunIfAny(IReadOnlyList<string> command)
    {
        if (command.Count > 0)
        {
            Run(command);
        }
    }
}
