using TunnelMesh.Platform.Services;

namespace TunnelMesh.Platform.Trust;

/// <summary>Arch Linux and others where p11-kit alone keeps authorities: trust(1).</summary>
/// <param name="root">A directory in place of the system's; its certificates are only looked for.</param>
/// <param name="run">Runs a program.</param>
internal sealed class ArchTrustStore(string? root, Func<IReadOnlyList<string>, (int Code, string Said)> run) : TrustStore(run)
{
    private readonly string _directory = ServiceManager.Below(root, "/etc/ca-certificates/trust-source");

    public override string Place(TrustAnchor anchor) => _directory;

    public override bool IsPresent() => Directory.Exists(_directory);

    public override bool Has(TrustAnchor anchor) => Ask("trust", "list", "--filter=ca-anchors").Said.Contains(anchor.CommonName, StringComparison.Ordinal);

    public override void Add(TrustAnchor anchor) => WithFile(anchor, file => Run("trust", "anchor", "--store", file));

    public override void Remove(TrustAnchor anchor) => WithFile(anchor, file => Run("trust", "anchor", "--remove", file));
}
