using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Protocol.Identity;

/// <summary>
/// Checks that a certificate descends from a pinned mesh root and carries a role. Names are not compared: a mesh is dialled by
/// whatever address works, and the role is what counts. Thread-safe; uses no network and no system trust store.
/// </summary>
public static class MeshCertificateValidator
{
    /// <summary>True when <paramref name="leaf"/> chains to <paramref name="root"/> at this time and has <paramref name="roleOid"/>.</summary>
    /// <param name="leaf">The certificate presented.</param>
    /// <param name="intermediates">Issuers that came with it; they need no trust.</param>
    /// <param name="root">The pinned mesh root.</param>
    /// <param name="roleOid">One of <see cref="MeshRoles"/>.</param>
    /// <param name="now">The time at which it must be valid.</param>
    /// <param name="reason">For people when the answer is false, else empty.</param>
    public static bool Validate(X509Certificate2 leaf, IEnumerable<X509Certificate2> intermediates, X509Certificate2 root,
        string roleOid, DateTimeOffset now, out string reason)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        ArgumentNullException.ThrowIfNull(intermediates);
        ArgumentNullException.ThrowIfNull(root);
        if (!HasRole(leaf, roleOid))
        {
            reason = roleOid == MeshRoles.CoordinatorOid
                ? "the certificate is not a coordinator's"
                : "the certificate is not a device's";
            return false;
        }
        if (leaf.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority))
        {
            reason = "the certificate is an authority's, not a server's or a device's";
            return false;
        }
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        foreach (X509Certificate2 certificate in intermediates)
        {
            chain.ChainPolicy.ExtraStore.Add(certificate);
        }
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        bool good = chain.Build(leaf);
        if (good && !CryptographicOperations.FixedTimeEquals(chain.ChainElements[^1].Certificate.RawDataMemory.Span, root.RawDataMemory.Span))
        {
            good = false;
            reason = "the certificate comes from another mesh";
        }
        else
        {
            reason = good ? "" : Explain(chain, leaf, now);
        }
        foreach (X509ChainElement element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }
        return good;
    }

    /// <summary>True when the certificate's extended key usages name the role.</summary>
    public static bool HasRole(X509Certificate2 certificate, string roleOid)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        foreach (X509EnhancedKeyUsageExtension usage in certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>())
        {
            foreach (Oid oid in usage.EnhancedKeyUsages)
            {
                if (oid.Value == roleOid)
                {
                    return true;
                }
            }
        }
        return false;
    }

    /// <summary>SHA-256 of the certificate's SubjectPublicKeyInfo (DER), 32 bytes: what <see cref="JoinTranscript"/> binds.</summary>
    public static byte[] SpkiSha256(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    private static string Explain(X509Chain chain, X509Certificate2 leaf, DateTimeOffset now)
    {
        X509ChainStatusFlags all = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (flags, status) => flags | status.Status);
        if ((all & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot)) != 0)
        {
            return "the certificate does not come from this mesh's authority";
        }
        if ((all & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            return now > leaf.NotAfter
                ? $"the certificate ended at {leaf.NotAfter.ToUniversalTime():u}; if that seems wrong, check the clock"
                : "the certificate is not valid at this time; check the clock";
        }
        return $"the certificate is refused ({all})";
    }
}
