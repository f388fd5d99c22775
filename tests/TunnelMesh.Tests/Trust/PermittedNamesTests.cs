using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Trust;

public sealed class PermittedNamesTests : IDisposable
{
    private static readonly IPNetwork Range4 = IPNetwork.Parse("10.42.0.0/16"), Range6 = IPNetwork.Parse("fd12:3456:789a::/48");
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");

    public void Dispose() => _directory.Delete(recursive: true);

    private static X509Certificate2 Root(bool authority = true, params X509Extension[] extensions)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        foreach (X509Extension extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Extension Permit(string[] dns, params string[] ranges) => NameConstraints.Permit(dns, ranges.Select(IPNetwork.Parse));

    private static string? Problem(params X509Extension[] extensions)
    {
        using X509Certificate2 root = Root(true, extensions);
        return PermittedNames.FindProblem(root, Range4, Range6);
    }

    [Fact]
    public void The_root_of_a_mesh_vouches_for_the_mesh_alone()
    {
        using MeshAuthority authority = MeshAuthority.Open(Path.Combine(_directory.FullName, "ca"), [Range4, Range6], TimeProvider.System);
        Assert.Null(PermittedNames.FindProblem(authority.Root, Range4, Range6));
        PermittedNames names = PermittedNames.Of(authority.Root)!;
        Assert.Equal(["tunnelmesh", "mesh", "this.tm"], names.Dns);
        Assert.Equal([Range4, Range6], names.Ranges);
        Assert.NotNull(PermittedNames.FindProblem(authority.Root, IPNetwork.Parse("10.43.0.0/16"), Range6));
    }

    [Fact]
    public void One_without_constraints_that_count_is_refused()
    {
        string[] mesh = ["tunnelmesh"];
        Assert.Contains("no critical name constraints", Problem(), StringComparison.Ordinal);
        X509Extension good = Permit(mesh, "10.42.0.0/16", "fd12:3456:789a::/48");
        Assert.Null(Problem(good));
        Assert.Contains("no critical", Problem(new X509Extension(good.Oid!, good.RawData, critical: false)), StringComparison.Ordinal);
        Assert.Contains("no critical", Problem(new X509Extension(good.Oid!, good.RawData[..^1], critical: true)), StringComparison.Ordinal);
        using X509Certificate2 leaf = Root(false, good);
        Assert.Contains("not the certificate of an authority", PermittedNames.FindProblem(leaf, Range4, Range6), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("com")]
    [InlineData("")]
    [InlineData("tm")]
    [InlineData("notunnelmesh")]
    [InlineData("tunnelmesh.com")]
    public void A_domain_of_others_is_refused(string domain) =>
        Assert.Contains($"`{domain}`", Problem(Permit(["tunnelmesh", domain], "10.42.0.0/16", "fd12:3456:789a::/48")), StringComparison.Ordinal);

    [Fact]
    public void A_kind_of_name_that_is_not_constrained_is_refused()
    {
        Assert.Contains("every DNS name", Problem(Permit([], "10.42.0.0/16", "fd12:3456:789a::/48")), StringComparison.Ordinal);
        Assert.Contains("10.42.0.0/16", Problem(Permit(["mesh"], "fd12:3456:789a::/48")), StringComparison.Ordinal);
        Assert.Contains("fd12:3456:789a::/48", Problem(Permit(["mesh"], "10.42.0.0/16")), StringComparison.Ordinal);
        Assert.Contains("10.42.0.0/16", Problem(Permit(["mesh"], "10.42.0.0/15", "fd12:3456:789a::/48")), StringComparison.Ordinal);
        Assert.Contains("10.42.0.0/16", Problem(Permit(["mesh"], "10.42.0.0/16", "192.0.2.0/24", "fd12:3456:789a::/48")), StringComparison.Ordinal);
        Assert.Null(Problem(Permit(["a.mesh"], "10.42.7.0/24", "fd12:3456:789a:1::/64")));
    }

    [Fact]
    public void A_mask_with_holes_is_no_range()
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        using (writer.PushSequence())
        {
            writer.WriteOctetString([10, 42, 0, 0, 255, 0, 255, 0], new Asn1Tag(TagClass.ContextSpecific, 7));
        }
        Assert.Contains("no critical", Problem(new X509Extension("2.5.29.30", writer.Encode(), critical: true)), StringComparison.Ordinal);
    }
}
