using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Node.Control;

/// <summary>The device's client certificate with its key. Immutable; the holder disposes it after its last connection has begun.</summary>
public sealed class PeerCertificate : IDisposable
{
    private readonly Lazy<SslStreamCertificateContext> _context;

    private PeerCertificate(X509Certificate2 leaf, IReadOnlyList<byte[]> chain, byte[] key)
    {
        Leaf = leaf;
        Chain = chain;
        TlsKey = key;
        _context = new Lazy<SslStreamCertificateContext>(() => SslStreamCertificateContext.Create(leaf, [.. chain.Skip(1).Select(X509CertificateLoader.LoadCertificate)], offline: true));
    }

    /// <summary>The certificate with its private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>DER certificates: leaf, then issuers.</summary>
    public IReadOnlyList<byte[]> Chain { get; }

    /// <summary>
    /// Leaf and issuers as TLS shows them, on either side; belongs to this. One for all connections: the framework never lets go of an issuer that a connection has shown
    /// (13 kB each, .NET 10.0.12 with OpenSSL), so issuers must not be made anew for each. Any thread.
    /// </summary>
    internal SslStreamCertificateContext Context => _context.Value;

    /// <summary>The private key, PKCS#8; secret.</summary>
    internal byte[] TlsKey { get; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset NotAfter => new(Leaf.NotAfter.ToUniversalTime());

    /// <summary>When it should be renewed: after two thirds of its life.</summary>
    public DateTimeOffset RenewAt => new(Leaf.NotBefore.ToUniversalTime() + ((Leaf.NotAfter - Leaf.NotBefore) * 2 / 3));

    /// <summary>Joins certificates and key.</summary>
    /// <exception cref="CryptographicException">They are damaged or do not belong together.</exception>
    public static PeerCertificate Create(IReadOnlyList<byte[]> chain, byte[] tlsKeyPkcs8)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (chain.Count == 0)
        {
            throw new CryptographicException("no certificate");
        }
        using ECDsa key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(tlsKeyPkcs8, out _);
        using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(chain[0]);
        if (!bare.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
        {
            throw new CryptographicException("the certificate belongs to another key");
        }
        using X509Certificate2 joined = bare.CopyWithPrivateKey(key);
        // Schannel cannot use ephemeral keys for client authentication; a PKCS#12 round trip gives it one that it can.
        X509Certificate2 leaf = OperatingSystem.IsWindows()
            ? X509CertificateLoader.LoadPkcs12(joined.Export(X509ContentType.Pkcs12), null)
            : X509CertificateLoader.LoadCertificate(bare.RawData).CopyWithPrivateKey(key);
        return new PeerCertificate(leaf, chain, tlsKeyPkcs8);
    }

    /// <inheritdoc/>
    public void Dispose() => Leaf.Dispose();
}
