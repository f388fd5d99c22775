namespace TunnelMesh.Platform.Trust;

/// <summary>Windows: the machine's store of root authorities, by certutil.</summary>
/// <param name="run">Runs a program.</param>
internal sealed class WindowsTrustStore(Func<IReadOnlyList<string>, (int Code, string Said)> run) : TrustStore(run)
{
    private static string Program => Path.Combine(Environment.SystemDirectory, "certutil.exe");

    public override string Place(TrustAnchor anchor) => $"Trusted Root Certification Authorities of this computer, as {anchor.Subject}";

    public override bool IsPresent() => OperatingSystem.IsWindows();

    public override bool Has(TrustAnchor anchor) => Ask(Program, "-store", "Root", anchor.Thumbprint).Code == 0;

    public override void Add(TrustAnchor anchor) => WithFile(anchor, file => Run(Program, "-addstore", "-f", "Root", file));

    public override void Remove(TrustAnchor anchor)
    {
        if (Has(anchor))
        {
            Run(Program, "-delstore", "Root", anchor.Thumbprint);
        }
    }
}
