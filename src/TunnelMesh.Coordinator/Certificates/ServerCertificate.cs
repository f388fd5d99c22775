using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>One server certificate, ready for TLS. Connections that began with it may outlive its replacement, so nobody disposes it.</summary>
internal sealed class ServerCertificate
{
    internal ServerCertificate(X509Certificate2 certificate, X509Certificate2 issuer, string name, IReadOnlyList<IPAddress> addresses)
    {
        Context = SslStreamCertificateContext.Create(certificate, [issuer], offline: true);
        Der = certificate.RawData;
        SpkiSha256 = MeshCertificateValidator.SpkiSha256(certificate);
        Name = name;
        Addresses = addresses;
        NotBefore = certificate.NotBefore;
        NotAfter = certificate.NotAfter;
    }

    /// <summary>Certificate, key and issuer for the handshake.</summary>
    internal SslStreamCertificateContext Context { get; }

    /// <summary>The certificate, DER.</summary>
    internal byte[] Der { get; }

    /// <summary>What the proofs of a join on its connections bind.</summary>
    internal byte[] SpkiSha256 { get; }

    internal string Name { get; }

    internal IReadOnlyList<IPAddress> Addresses { get; }

    internal DateTimeOffset NotAfter { get; }

    /// <summary>True until two thirds of its life are over, and not before it begins: it may have been issued while the clock was ahead.</summary>
    internal bool IsGood(DateTimeOffset now) => now >= NotBefore && now < NotBefore + ((NotAfter - NotBefore) * 2 / 3);

    private DateTimeOffset NotBefore { get; }
}
