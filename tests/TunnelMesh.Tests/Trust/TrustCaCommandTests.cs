using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Tests.Cli;

namespace TunnelMesh.Tests.Trust;

/// <summary>`trust-ca` below a scratch root of the kind that has files only, so that no program is run.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TrustCaCommandTests : IDisposable
{
    private const string Range4 = "10.42.0.0/16", Range6 = "fd12:3456:789a::/48";
    private readonly CommandLine _cli = new();
    private readonly string _anchors;

    public TrustCaCommandTests()
    {
        _anchors = Path.Combine(_cli.PathOf("root"), "etc/pki/ca-trust/source/anchors");
        Directory.CreateDirectory(_anchors);
    }

    private string Folder => Path.Combine(_cli.Home, "contexts", "default");

    public void Dispose() => _cli.Dispose();

    private void Join(byte[] root) => new PeerStore(Folder, TimeProvider.System).SaveMembership(new PeerMembership
    {
        Server = "192.0.2.1:8443",
        MeshRoot = root,
        Mesh = new MeshInfo { MeshId = "123456789a", Cidr = Range4, Cidr6 = Range6, Domain = "tunnelmesh", MapMaxAgeSeconds = 1 },
        Device = new MapDevice { Id = "d", User = "u", Name = "nas", Ip = "10.42.0.2", Ip6 = "fd12:3456:789a::2", Prefixes = [], DeviceKey = [], IdentityKey = [], Record = [] },
    });

    private byte[] MeshRoot(string name)
    {
        using MeshAuthority authority = MeshAuthority.Open(_cli.PathOf(name), [IPNetwork.Parse(Range4), IPNetwork.Parse(Range6)], TimeProvider.System);
        return authority.Root.RawData;
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] more) => _cli.RunAsync(["trust-ca", "--root", _cli.PathOf("root"), .. more]);

    [Fact]
    public async Task It_is_installed_told_where_and_taken_out()
    {
        Assert.Equal(7, (await RunAsync("--yes")).Code);
        Assert.False(Directory.Exists(_cli.Home));
        Join(MeshRoot("ca"));
        (int code, string output, string error) = await RunAsync("--yes");
        Assert.Equal(0, code);
        string file = Assert.Single(Directory.GetFiles(_anchors));
        Assert.Contains(file, output, StringComparison.Ordinal);
        Assert.Contains($"addresses in {Range4} and {Range6}", error, StringComparison.Ordinal);
        Assert.Contains("already", (await RunAsync()).Output, StringComparison.Ordinal);
        Assert.Contains(file, (await RunAsync("--remove")).Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_anchors));
        (code, output, _) = await RunAsync("--remove");
        Assert.Equal(0, code);
        Assert.Contains("nothing to take out", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_could_vouch_for_the_internet_is_never_installed()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=TunnelMesh root 00000000", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Join(root.RawData);
        (int code, _, string error) = await RunAsync("--yes");
        Assert.Equal(6, code);
        Assert.Contains("no critical name constraints", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_anchors));
        Assert.False(File.Exists(Path.Combine(Folder, "trusted-ca.pem")));
    }

    [Fact]
    public async Task That_of_the_mesh_before_is_taken_out_first_and_can_be_after_it_was_left()
    {
        Join(MeshRoot("one"));
        Assert.Equal(0, (await RunAsync("--yes")).Code);
        Join(MeshRoot("two"));
        (int code, _, string error) = await RunAsync("--yes");
        Assert.Equal(8, code);
        Assert.Contains("trust-ca --remove", error, StringComparison.Ordinal);
        new PeerStore(Folder, TimeProvider.System).Clear();
        Assert.Equal(0, (await RunAsync("--remove")).Code);
        Assert.Empty(Directory.GetFiles(_anchors));
    }

    [Fact]
    public async Task A_system_that_is_not_known_is_told_where_the_certificate_is_and_who_is_not_root_what_to_do()
    {
        Join(MeshRoot("ca"));
        (int code, _, string error) = await _cli.RunAsync(["trust-ca", "--root", _cli.PathOf("nowhere"), "--yes"]);
        Assert.Equal(1, code);
        Assert.Contains(Path.Combine(Folder, "ca.pem"), error, StringComparison.Ordinal);
        (code, _, error) = await _cli.RunAsync(["trust-ca", "--yes"]);
        Assert.True(code is 4 or 1, error);
    }
}
