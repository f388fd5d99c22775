using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Tests.Noise;
using Xunit;

namespace TunnelMesh.Tests.Coordinator;

public sealed class MeshAuthorityTests : IDisposable
{
    private static readonly IPNetwork[] Ranges = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")];
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    public void Dispose() => Directory.Delete(_directory, true);

    private MeshAuthority Open() => MeshAuthority.Open(_directory, Ranges, TimeProvider.System);

    private static bool Valid(MeshAuthority mesh, X509Certificate2 leaf, string role, out string reason) =>
        MeshCertificateValidator.Validate(leaf, [mesh.Issuer], mesh.Root, role, DateTimeOffset.UtcNow, out reason);

    [Fact]
    public void A_server_certificate_passes_and_a_device_is_no_coordinator()
    {
        using MeshAuthority mesh = Open();
        using X509Certificate2 server = mesh.IssueServer("hub", [IPAddress.Parse("10.42.0.1")]);
        Assert.True(Valid(mesh, server, MeshRoles.CoordinatorOid, out string reason), reason);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 device = mesh.IssueDevice(new string('a', 32), key.ExportSubjectPublicKeyInfo(), "nas", [IPAddress.Parse("10.42.0.2")]);
        Assert.True(Valid(mesh, device, MeshRoles.DeviceOid, out reason), reason);
        Assert.True(device.MatchesHostname("nas.tunnelmesh") && device.MatchesHostname("nas.mesh") && device.MatchesHostname("10.42.0.2") && !device.MatchesHostname("this.mesh"));
        Assert.False(Valid(mesh, device, MeshRoles.CoordinatorOid, out _));
        Assert.False(Valid(mesh, server, MeshRoles.DeviceOid, out _));
    }

    [Fact]
    public void A_clock_that_was_ahead_and_is_set_right_costs_nothing_but_a_new_server_certificate()
    {
        OffsetTime clock = new(new FakeTimeProvider(DateTimeOffset.UtcNow)) { Offset = TimeSpan.FromHours(14) };
        using MeshAuthority founded = MeshAuthority.Open(_directory, Ranges, clock);
        ServerCertificates certificates = new(founded, clock);
        Assert.True(certificates.Renew("hub", []));
        Assert.False(certificates.Renew("hub", []));
        clock.Offset = TimeSpan.Zero;
        Assert.True(certificates.Renew("hub", []));
        Assert.False(certificates.Renew("hub", []));
        using X509Certificate2 now = X509CertificateLoader.LoadCertificate(certificates.Current.Der);
        Assert.True(Valid(founded, now, MeshRoles.CoordinatorOid, out string reason), reason);
        using MeshAuthority again = MeshAuthority.Open(_directory, Ranges, clock);
        Assert.Equal(founded.CaSha256, again.CaSha256);
    }

    [Theory]
    [InlineData("1.3.6.1.5.5.7.3.1", true)]
    [InlineData("1.3.6.1.5.5.7.3.2", true)]
    [InlineData("1.3.6.1.5.5.7.3.3", false)]
    [InlineData("1.3.6.1.5.5.7.3.4", false)]
    public void The_authority_is_for_TLS_and_vouches_for_no_code_and_no_mail(string purpose, bool good)
    {
        using MeshAuthority mesh = Open();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("O=anybody", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using X509Certificate2 leaf = request.Create(mesh.Issuer, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1), [1]);
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(mesh.Root);
        chain.ChainPolicy.ExtraStore.Add(mesh.Issuer);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        Assert.Equal(good, chain.Build(leaf));
        Assert.Equal(!good, chain.ChainStatus.Any(s => s.Status == X509ChainStatusFlags.NotValidForUsage));
    }

    [Fact]
    public void An_authority_founded_without_purposes_goes_on_and_issues()
    {
        // As it was made before there were any.
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=TunnelMesh root 01234567", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(NameConstraints.Permit(PermittedNames.MeshDomains, Ranges));
        using X509Certificate2 root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Directory.CreateDirectory(_directory);
        OwnFiles.Write(Path.Combine(_directory, MeshAuthority.RootFileName), root);
        using MeshAuthority mesh = Open();
        Assert.Equal(root.RawData, mesh.Root.RawData);
        using X509Certificate2 server = mesh.IssueServer("hub", [IPAddress.Parse("10.42.0.1")]);
        Assert.True(Valid(mesh, server, MeshRoles.CoordinatorOid, out string reason), reason);
    }

    [Fact]
    public void An_address_outside_the_mesh_breaks_the_name_constraints()
    {
        using MeshAuthority mesh = Open();
        using X509Certificate2 server = mesh.IssueServer("hub", [IPAddress.Parse("192.0.2.1")]);
        Assert.False(Valid(mesh, server, MeshRoles.CoordinatorOid, out _));
    }

    [Fact]
    public void The_root_stays_over_a_restart_and_damage_is_never_overwritten()
    {
        string pin;
        using (MeshAuthority mesh = Open())
        {
            pin = mesh.CaSha256;
        }
        using (MeshAuthority again = Open())
        {
            Assert.Equal(pin, again.CaSha256);
        }
        string root = Path.Combine(_directory, "root.pem");
        File.WriteAllText(root, "damaged");
        Assert.Throws<CertificateStoreException>(Open);
        Assert.Equal("damaged", File.ReadAllText(root));
        File.Delete(root);
        Assert.Throws<CertificateStoreException>(Open);
    }

    [Fact]
    public void Files_of_two_meshes_are_not_mixed_and_a_certificate_needs_its_own_key()
    {
        string other = Path.Combine(_directory, "other"), issuer = Path.Combine(_directory, "issuer.pem"), root = Path.Combine(_directory, "root.pem");
        Open().Dispose();
        MeshAuthority.Open(other, Ranges, TimeProvider.System).Dispose();
        string good = File.ReadAllText(issuer), foreign = File.ReadAllText(Path.Combine(other, "issuer.pem"));
        string leaf;
        using (MeshAuthority mesh = Open())
        using (X509Certificate2 server = mesh.IssueServer("hub", []))
        using (ECDsa key = server.GetECDsaPrivateKey()!)
        {
            leaf = server.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem();
        }
        string mixed = good[..good.IndexOf("-----BEGIN PRIVATE", StringComparison.Ordinal)] + foreign[foreign.IndexOf("-----BEGIN PRIVATE", StringComparison.Ordinal)..];
        foreach (string bad in new[] { foreign, mixed, leaf, good[..200], "" })
        {
            File.WriteAllText(issuer, bad);
            Assert.Contains(issuer, Assert.Throws<CertificateStoreException>(Open).Message, StringComparison.Ordinal);
            Assert.Equal(bad, File.ReadAllText(issuer));
        }
        File.WriteAllText(issuer, good);
        foreach (int years in new[] { 30, -1 })
        {
            FakeTimeProvider time = new(DateTimeOffset.UtcNow.AddYears(years));
            Assert.Contains("lock", Assert.Throws<CertificateStoreException>(() => MeshAuthority.Open(_directory, Ranges, time)).Message, StringComparison.Ordinal);
        }
        Open().Dispose();
        Assert.True(File.Exists(root));
    }
}
