using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>
/// The mesh root and this coordinator's issuer, kept in a directory. The root key signs issuers only and is not held in memory
/// after opening. Thread-safe: issuing only reads.
/// </summary>
public sealed class MeshAuthority : IDisposable
{
    /// <summary>How long a device's certificate lasts from its issue.</summary>
    public static readonly TimeSpan ClientLifetime = TimeSpan.FromHours(24);

    /// <summary>Certificates begin this much before their issue, so that small clock differences do no harm.</summary>
    public static readonly TimeSpan Backdate = TimeSpan.FromMinutes(5);

    /// <summary>File of the root and its key in the authority's directory.</summary>
    public const string RootFileName = "root.pem";

    // A mesh founded while the clock was ahead shall not stand still until that time has come.
    private static readonly TimeSpan FoundingBackdate = TimeSpan.FromDays(2);

    private const string ServerAuth = "1.3.6.1.5.5.7.3.1", ClientAuth = "1.3.6.1.5.5.7.3.2";
    private readonly TimeProvider _time;

    private MeshAuthority(X509Certificate2 root, X509Certificate2 issuer, TimeProvider time)
    {
        Root = root;
        Issuer = issuer;
        _time = time;
    }

    /// <summary>The mesh root without its key; owned by this object.</summary>
    public X509Certificate2 Root { get; }

    /// <summary>This coordinator's issuer with its key; owned by this object.</summary>
    public X509Certificate2 Issuer { get; }

    /// <summary>SHA-256 of the root certificate (DER) in lower-case hex: what a CA pin names.</summary>
    public string CaSha256 => Convert.ToHexStringLower(SHA256.HashData(Root.RawDataMemory.Span));

    /// <summary>Opens the authority in a directory, or founds it when the directory holds none.</summary>
    /// <param name="directory">Made with mode 0700 if absent; files in it get 0600.</param>
    /// <param name="ranges">The mesh's IPv4 and IPv6 ranges, for a new authority's name constraints.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="CertificateStoreException">A file is damaged, missing beside the other, not valid at this time, or not of one mesh with the other; it is left as it is.</exception>
    /// <exception cref="IOException">The directory cannot be read or written.</exception>
    public static MeshAuthority Open(string directory, IReadOnlyList<IPNetwork> ranges, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        ArgumentNullException.ThrowIfNull(time);
        OwnFiles.MakeDirectory(directory);
        string rootFile = Path.Combine(directory, RootFileName), issuerFile = Path.Combine(directory, "issuer.pem");
        if (!File.Exists(rootFile))
        {
            if (File.Exists(issuerFile))
            {
                throw new CertificateStoreException(
                    $"{rootFile} is missing, but {issuerFile} exists. A new root would lock out every peer; restore it from a backup.");
            }
            using X509Certificate2 made = Make("TunnelMesh root", null, ranges, 1, time.GetUtcNow(), TimeSpan.FromDays(7300));
            OwnFiles.Write(rootFile, made);
        }
        using X509Certificate2 root = OwnFiles.Read(rootFile, time.GetUtcNow());
        if (!File.Exists(issuerFile))
        {
            using X509Certificate2 made = Make("TunnelMesh issuer", root, ranges, 0, time.GetUtcNow(), TimeSpan.FromDays(3650));
            OwnFiles.Write(issuerFile, made);
        }
        X509Certificate2 issuer = OwnFiles.Read(issuerFile, time.GetUtcNow());
        if (!IsIssuedBy(issuer, root, time.GetUtcNow()))
        {
            issuer.Dispose();
            throw new CertificateStoreException($"{issuerFile} was not issued by {rootFile}; both were left as they are. Restore both from one backup, or move {issuerFile} away to have a new one made.");
        }
        return new MeshAuthority(X509CertificateLoader.LoadCertificate(root.RawDataMemory.Span), issuer, time);
    }

    /// <summary>
    /// A short-lived certificate for a device's public key, the subject being the device id. By it the device is a client of coordinators, and a server to members under its own name
    /// and addresses; it never carries the role of a coordinator.
    /// </summary>
    /// <param name="deviceId">The device id, 32 hex characters.</param>
    /// <param name="subjectPublicKeyInfo">The device's TLS public key, DER.</param>
    /// <param name="name">Its name in the mesh.</param>
    /// <param name="addresses">Its mesh addresses.</param>
    /// <returns>Owned by the caller; holds no private key.</returns>
    /// <exception cref="CryptographicException">The public key is malformed.</exception>
    public X509Certificate2 IssueDevice(string deviceId, ReadOnlySpan<byte> subjectPublicKeyInfo, string name, IEnumerable<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        PublicKey key = PublicKey.CreateFromSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
        CertificateRequest request = new(Name(deviceId), key, HashAlgorithmName.SHA256);
        AddLeaf(request, MeshRoles.DeviceOid, ClientAuth, ServerAuth);
        AddNames(request, [$"{name}.tunnelmesh", $"{name}.mesh"], addresses);
        return Sign(request, Issuer, _time.GetUtcNow(), ClientLifetime);
    }

    /// <summary>The coordinator's server certificate with a fresh key.</summary>
    /// <param name="name">The coordinator's mesh name.</param>
    /// <param name="addresses">Its mesh addresses.</param>
    /// <returns>Owned by the caller; holds its private key.</returns>
    public X509Certificate2 IssueServer(string name, IEnumerable<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(Name(name), key, HashAlgorithmName.SHA256);
        AddLeaf(request, MeshRoles.CoordinatorOid, ServerAuth);
        AddNames(request, ["this.tm", "this.tunnelmesh", "this.mesh", $"{name}.tunnelmesh"], addresses);
        using X509Certificate2 bare = Sign(request, Issuer, _time.GetUtcNow(), TimeSpan.FromDays(365));
        return bare.CopyWithPrivateKey(key);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Root.Dispose();
        Issuer.Dispose();
    }

    private static bool IsIssuedBy(X509Certificate2 issuer, X509Certificate2 root, DateTimeOffset now)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        bool good = chain.Build(issuer) && chain.ChainElements.Count == 2;
        foreach (X509ChainElement element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }
        return good;
    }

    private static X500DistinguishedName Name(string common)
    {
        X500DistinguishedNameBuilder builder = new();
        builder.AddCommonName(common);
        return builder.Build();
    }

    private static void AddNames(CertificateRequest request, string[] dns, IEnumerable<IPAddress> addresses)
    {
        SubjectAlternativeNameBuilder names = new();
        Array.ForEach(dns, names.AddDnsName);
        foreach (IPAddress address in addresses)
        {
            names.AddIpAddress(address);
        }
        request.CertificateExtensions.Add(names.Build());
    }

    private static void AddLeaf(CertificateRequest request, string role, params ReadOnlySpan<string> purposes)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        OidCollection usages = [new Oid(role)];
        foreach (string purpose in purposes)
        {
            usages.Add(new Oid(purpose));
        }
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, false));
    }

    private static X509Certificate2 Make(string title, X509Certificate2? parent, IReadOnlyList<IPNetwork> ranges, int depth,
        DateTimeOffset now, TimeSpan lifetime)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string unique = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()).AsSpan(0, 4));
        CertificateRequest request = new(Name($"{title} {unique}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, depth, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(NameConstraints.Permit(PermittedNames.MeshDomains, ranges));
        // Name constraints bind names of hosts and addresses only. What has neither, such as a signature under code or mail, would otherwise be vouched for wherever the root is trusted.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuth), new Oid(ClientAuth)], false));
        if (parent is null)
        {
            return request.CreateSelfSigned(now - FoundingBackdate, now + lifetime);
        }
        using X509Certificate2 bare = Sign(request, parent, now - FoundingBackdate, lifetime + FoundingBackdate);
        return bare.CopyWithPrivateKey(key);
    }

    private static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 issuer, DateTimeOffset now, TimeSpan lifetime)
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        DateTimeOffset end = now + lifetime, last = issuer.NotAfter;
        DateTimeOffset start = now - Backdate, first = issuer.NotBefore;
        return request.Create(issuer, start < first ? first : start, end > last ? last : end, serial);
    }
}
