namespace TunnelMesh.Platform.Trust;

/// <summary>macOS: the keychain of the system, by security(1). Trusted for TLS only.</summary>
/// <param name="run">Runs a program.</param>
internal sealed class MacOSTrustStore(Func<IReadOnlyList<string>, (int Code, string Said)> run) : TrustStore(run)
{
    private const string Keychain = "/Library/Keychains/System.keychain";

    public override string Place(TrustAnchor anchor) => $"{Keychain}, as {anchor.Subject}";

    public override bool IsPresent() => OperatingSystem.IsMacOS();

    public override bool Has(TrustAnchor anchor) => Ask("security", "find-certificate", "-a", "-Z", "-c", anchor.CommonName, Keychain).Said.Contains(anchor.Thumbprint, StringComparison.OrdinalIgnoreCase);

    public override void Add(TrustAnchor anchor) => WithFile(anchor, file => Run("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-p", "ssl", "-k", Keychain, file));

    public override void Remove(TrustAnchor anchor)
    {
        // First the settings of trust, which name the certificate.
        WithFile(anchor, file => Ask("security", "remove-trusted-cert", "-d", file));
        if (Has(anchor))
        {
            Run("security", "delete-certificate", "-Z", anchor.Thumbprint, Keychain);
        }
    }
}
