using System.Net;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Trust;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Trust;

/// <summary>The authority of the mesh that a context is a member of, on its way into the trust of the system.</summary>
internal sealed class MeshTrust
{
    private readonly TrustStore _store;
    private readonly TrustRecord _record;
    private readonly string _scope;

    private MeshTrust(TrustAnchor anchor, TrustStore store, TrustRecord record, string scope) => (Anchor, _store, _record, _scope) = (anchor, store, record, scope);

    /// <summary>The authority.</summary>
    public TrustAnchor Anchor { get; }

    /// <summary>Where it is kept, for people.</summary>
    public string Place => _store.Place(Anchor);

    /// <summary>What trust in it means, and where it goes: lines for people, before they are asked.</summary>
    public string Describe(string flag) =>
        $"""
        The mesh has a CA of its own, {Anchor.Subject} (SHA-256 {Anchor.Sha256}).
        Programs that trust it accept the https:// addresses of coordinators and metrics. It can vouch for nothing but {_scope}.
        It goes to {Place}; `tunnelmesh trust-ca --remove{flag}` takes it out.
        """;

    /// <summary>Prepares to trust the authority of a membership.</summary>
    /// <param name="member">The membership.</param>
    /// <param name="record">What the context remembers.</param>
    /// <param name="store">Where the system keeps authorities; null where that is not known.</param>
    /// <param name="certificateFile">Where the certificate lies, for people who have to install it by hand.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="HostException">The authority may vouch for more than the mesh, has ended, or this system is not known.</exception>
    public static MeshTrust Of(PeerMembership member, TrustRecord record, TrustStore? store, string certificateFile, DateTimeOffset now)
    {
        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(member.MeshRoot);
        if (!member.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6))
        {
            throw new HostException(ExitCode.DamagedState, "The membership names no sound ranges. Join again.");
        }
        if (PermittedNames.FindProblem(root, range4, range6) is { } problem)
        {
            throw new HostException(ExitCode.Refused, $"The CA of this mesh is not installed. {problem} Who runs the coordinator could then pose as any such server to every program of this machine.");
        }
        if (now > root.NotAfter)
        {
            throw new HostException(ExitCode.Refused, $"The CA of this mesh ended at {root.NotAfter.ToUniversalTime():u}. If that seems wrong, check the clock.");
        }
        return store is null
            ? throw new HostException(ExitCode.General, $"This system keeps its CAs in no place that is known here. The certificate is {certificateFile}: give it to the programs that should trust it.")
            : new MeshTrust(new TrustAnchor(member.MeshRoot), store, record, $"names under {string.Join(", ", PermittedNames.MeshDomains)} and addresses in {range4} and {range6}");
    }

    /// <summary>True when the system trusts it already.</summary>
    /// <exception cref="TrustStoreException">The system does not say.</exception>
    public bool IsTrusted() => _store.Has(Anchor);

    /// <summary>Has the system trust it.</summary>
    /// <exception cref="HostException">The system trusts another one that this context has given it.</exception>
    /// <exception cref="TrustStoreException">The system refused.</exception>
    public void Install(string flag)
    {
        if (_record.Load() is { } before && !before.AsSpan().SequenceEqual(Anchor.Certificate))
        {
            throw new HostException(ExitCode.InUse, $"The system still trusts the CA of the mesh that this context was a member of before. Take it out first: tunnelmesh trust-ca --remove{flag}");
        }
        _record.Save(Anchor.Pem);
        try
        {
            _store.Add(Anchor);
        }
        catch (Exception e) when (e is TrustStoreException or IOException or UnauthorizedAccessException)
        {
            _record.Clear();
            throw;
        }
    }
}
