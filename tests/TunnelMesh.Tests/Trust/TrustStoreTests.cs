using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Trust;

namespace TunnelMesh.Tests.Trust;

/// <summary>What each system would be told, on scratch roots and with programs that only note how they are called.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TrustStoreTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");
    private readonly List<string> _ran = [];
    private readonly TrustAnchor _anchor = Anchor();
    private (int, string) _answer = (0, "");

    private string Root => _directory.FullName;

    private static TrustAnchor Anchor(string name = "TunnelMesh root 12345678")
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 made = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        return new TrustAnchor(made.RawData);
    }

    private (int, string) Note(IReadOnlyList<string> command)
    {
        // The name of a temporary file is none of the test's matter, what is in it is.
        _ran.Add(string.Join(' ', command.Select(w => w.Contains("tunnelmesh-ca-", StringComparison.Ordinal) ? File.ReadAllText(w) == _anchor.Pem ? "FILE" : "WRONG" : w)));
        return _answer;
    }

    private TrustStore For(string directory)
    {
        Directory.CreateDirectory(ServiceManager.Below(Root, directory));
        return TrustStore.ForLinux(Root, Note)!;
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_name_gives_a_terminal_nothing_to_obey() => Assert.Equal("root?[2Jroot", Anchor("root\u001b[2Jroot").Subject);

    [Fact]
    public void A_system_that_is_not_known_has_no_store() => Assert.Null(TrustStore.ForLinux(Root, Note));

    [Theory]
    [InlineData("/etc/pki/ca-trust/source/anchors", ".pem")]
    [InlineData("/etc/pki/trust/anchors", ".pem")]
    [InlineData("/usr/local/share/ca-certificates", ".crt")]
    public void A_file_is_put_where_the_distribution_has_it_and_taken_away(string directory, string ending)
    {
        TrustStore store = For(directory);
        string file = ServiceManager.Below(Root, $"{directory}/tunnelmesh-{_anchor.Sha256[..16]}{ending}");
        Assert.Equal(file, store.Place(_anchor));
        Assert.False(store.Has(_anchor));
        store.Add(_anchor);
        Assert.True(store.Has(_anchor));
        Assert.Equal(_anchor.Pem, File.ReadAllText(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(file));
        store.Remove(_anchor);
        Assert.Empty(Directory.GetFiles(ServiceManager.Below(Root, directory)));
        store.Remove(_anchor);
    }

    [Fact]
    public void Programs_are_called_without_another_root_on_the_system_itself()
    {
        // Nothing is written: the directories of this machine's own are not asked.
        Assert.Equal("/etc/pki/ca-trust/source/anchors", Path.GetDirectoryName(FileTrustStore.RedHat(null, Note).Place(_anchor)));
        Assert.Equal("/usr/local/share/ca-certificates", Path.GetDirectoryName(FileTrustStore.Debian(null, Note).Place(_anchor)));
    }

    [Fact]
    public void Debian_s_program_is_told_all_directories_and_leaves_no_link_behind()
    {
        TrustStore store = For("/usr/local/share/ca-certificates");
        store.Add(_anchor);
        store.Remove(_anchor);
        string places = $"--localcertsdir {Root}/usr/local/share/ca-certificates --etccertsdir {Root}/etc/ssl/certs --certsdir {Root}/usr/share/ca-certificates --certsconf {Root}/etc/ca-certificates.conf --hooksdir {Root}/etc/ca-certificates/update.d";
        Assert.Equal([$"update-ca-certificates {places}", $"update-ca-certificates --fresh {places}"], _ran);
    }

    [Fact]
    public void A_program_that_fails_leaves_nothing_behind()
    {
        TrustStore store = For("/usr/local/share/ca-certificates");
        _answer = (3, "disk full");
        TrustStoreException e = Assert.Throws<TrustStoreException>(() => store.Add(_anchor));
        Assert.Contains("failed with code 3: disk full", e.Message, StringComparison.Ordinal);
        Assert.False(store.Has(_anchor));
    }

    [Fact]
    public void Arch_is_told_by_trust()
    {
        TrustStore store = For("/etc/ca-certificates/trust-source");
        Assert.False(store.Has(_anchor));
        _answer = (0, "pkcs11:id=... type: certificate label: TunnelMesh root 12345678 trust: anchor");
        Assert.True(store.Has(_anchor));
        store.Add(_anchor);
        store.Remove(_anchor);
        Assert.Equal(["trust list --filter=ca-anchors", "trust list --filter=ca-anchors", "trust anchor --store FILE", "trust anchor --remove FILE"], _ran);
    }

    [Fact]
    public void MacOS_is_told_by_security_and_trusts_for_TLS_only()
    {
        MacOSTrustStore store = new(Note);
        Assert.False(store.Has(_anchor));
        store.Add(_anchor);
        _answer = (0, $"SHA-1 hash: {_anchor.Thumbprint}");
        store.Remove(_anchor);
        const string keychain = "/Library/Keychains/System.keychain", find = $"security find-certificate -a -Z -c TunnelMesh root 12345678 {keychain}";
        Assert.Equal(
            [find, $"security add-trusted-cert -d -r trustRoot -p ssl -k {keychain} FILE", "security remove-trusted-cert -d FILE", find, $"security delete-certificate -Z {_anchor.Thumbprint} {keychain}"], _ran);
    }

    [Fact]
    public void Windows_is_told_by_certutil()
    {
        WindowsTrustStore store = new(Note);
        Assert.True(store.Has(_anchor));
        store.Add(_anchor);
        store.Remove(_anchor);
        Assert.Equal([$"-store Root {_anchor.Thumbprint}", "-addstore -f Root FILE", $"-store Root {_anchor.Thumbprint}", $"-delstore Root {_anchor.Thumbprint}"], _ran.Select(r => r[(r.IndexOf("certutil.exe ", StringComparison.Ordinal) + 13)..]));
        _answer = (-2146885628, "not found");
        Assert.False(store.Has(_anchor));
        store.Remove(_anchor);
    }
}
