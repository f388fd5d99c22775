using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Platform.Trust;

/// <summary>The certificate of an authority that a system is to trust.</summary>
public sealed class TrustAnchor
{
    /// <summary>Reads it.</summary>
    /// <param name="certificate">DER.</param>
    /// <exception cref="CryptographicException">It is no certificate.</exception>
    public TrustAnchor(byte[] certificate)
    {
        using X509Certificate2 read = X509CertificateLoader.LoadCertificate(certificate);
        (Certificate, CommonName, Thumbprint) = (certificate, read.GetNameInfo(X509NameType.SimpleName, forIssuer: false), read.Thumbprint);
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(certificate));
    }

    /// <summary>DER.</summary>
    public byte[] Certificate { get; }

    /// <summary>Its common name, for people: what a terminal would obey is replaced.</summary>
    public string Subject => new([.. CommonName.Select(c => char.IsControl(c) ? '?' : c)]);

    /// <summary>Its common name as it is, for looking it up.</summary>
    internal string CommonName { get; }

    /// <summary>SHA-1, upper-case hex: how systems other than Linux name certificates.</summary>
    public string Thumbprint { get; }

    /// <summary>SHA-256, lower-case hex.</summary>
    public string Sha256 { get; }

    /// <summary>Name of a file for it, without an ending; the same authority has the same name everywhere.</summary>
    public string FileName => $"tunnelmesh-{Sha256[..16]}";

    /// <summary>PEM text, with a newline at the end.</summary>
    public string Pem => PemEncoding.WriteString("CERTIFICATE", Certificate) + "\n";
}
