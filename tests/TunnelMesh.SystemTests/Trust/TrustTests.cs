using System.Security.Cryptography;
using TunnelMesh.SystemTests.Dns;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Trust;

/// <summary>The mesh's CA in the trust of a system: by update-ca-certificates on a scratch root, judged by curl and openssl.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TrustTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    private static string CaOf(Peer peer) => Path.Combine(peer.Home, "contexts", "default", "ca.pem");

    [Fact]
    public async Task Programs_accept_the_mesh_s_servers_once_its_CA_is_trusted_and_no_more_when_it_was_taken_out()
    {
        Requirements.Programs("update-ca-certificates", "openssl", "curl");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas");
        using OwnResolvConf conf = new(nas.Machine, "nameserver 198.51.100.99\n");
        await hub.JoinAsync(Cancel);
        await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        await nas.AskUntilAsync(s => s.GetProperty("dns").GetProperty("names").GetInt32() >= 3, Cancel, "status");
        Assert.True(await nas.Machine.ReachesAsync("hub.tunnelmesh", 10, Cancel));
        string root = Path.Combine(underlay.Folder, "root"), local = Path.Combine(root, "usr/local/share/ca-certificates"), certificates = Path.Combine(root, "etc/ssl/certs");
        foreach (string directory in new[] { local, certificates, Path.Combine(root, "usr/share/ca-certificates") })
        {
            Directory.CreateDirectory(directory);
        }
        // Another authority, as every system has: without any the program leaves the bundle as it is.
        await Command.RunAsync(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other", "-days", "2",
            "-out", Path.Combine(root, "usr/share/ca-certificates/other.crt")], cancel: Cancel);
        await File.WriteAllTextAsync(Path.Combine(root, "etc/ca-certificates.conf"), "other.crt\n", Cancel);
        string bundle = Path.Combine(certificates, "ca-certificates.crt");

        // Nobody is there to be asked.
        CommandResult silent = await nas.AskAsync(Cancel, "trust-ca", "--root", root);
        Assert.Equal(2, silent.ExitCode);
        Assert.Contains("--yes", silent.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(local));
        Assert.DoesNotContain("trust it", nas.Program!.Output, StringComparison.Ordinal);

        CommandResult trusted = await nas.AskAsync(Cancel, "trust-ca", "--yes", "--root", root);
        Assert.True(trusted.Succeeded, trusted.ToString());
        Assert.Contains(local, trusted.Output, StringComparison.Ordinal);
        Assert.Contains("tunnelmesh, mesh, this.tm and addresses in 10.42.0.0/16", trusted.Errors, StringComparison.Ordinal);
        Assert.Contains("already", (await nas.AskAsync(Cancel, "trust-ca", "--root", root)).Output, StringComparison.Ordinal);
        string[] urls = ["https://this.tm:8443/health", "https://this.tunnelmesh:8443/health", "https://hub.tunnelmesh:9443/health", "https://nas.mesh:9443/health", "https://10.42.0.1:9443/health"];
        foreach (string url in urls)
        {
            CommandResult byBundle = await GetAsync("--cacert", bundle, url), byLinks = await GetAsync("--capath", certificates, url);
            Assert.True(byBundle.Succeeded && byLinks.Succeeded, $"{url}: {byBundle} {byLinks}");
        }

        CommandResult removed = await nas.AskAsync(Cancel, "trust-ca", "--remove", "--root", root);
        Assert.True(removed.Succeeded, removed.ToString());
        Assert.Empty(Directory.GetFileSystemEntries(local));
        Assert.All(Directory.GetFileSystemEntries(certificates), e => Assert.DoesNotContain("tunnelmesh-", e + new FileInfo(e).LinkTarget, StringComparison.Ordinal));
        Assert.False((await GetAsync("--cacert", bundle, urls[0])).Succeeded);
        Assert.Contains("nothing to take out", (await nas.AskAsync(Cancel, "trust-ca", "--remove", "--root", root)).Output, StringComparison.Ordinal);

        // It can be taken out after the mesh was left, which says so.
        Assert.True((await nas.AskAsync(Cancel, "trust-ca", "--yes", "--root", root)).Succeeded);
        Assert.Contains("trust-ca --remove", (await nas.AskAsync(Cancel, "leave")).Output, StringComparison.Ordinal);
        Assert.True((await nas.AskAsync(Cancel, "trust-ca", "--remove", "--root", root)).Succeeded);
        Assert.Empty(Directory.GetFileSystemEntries(local));
        Assert.Equal(7, (await nas.AskAsync(Cancel, "trust-ca", "--yes", "--root", root)).ExitCode);

        Task<CommandResult> GetAsync(params string[] arguments) => nas.Machine.TryRunAsync(["curl", "-sS", "--max-time", "5", .. arguments], Cancel);
    }

    [Fact]
    public async Task The_CA_is_constrained_to_the_mesh_in_the_eyes_of_openssl()
    {
        Requirements.Programs("openssl");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub");
        await hub.JoinAsync(Cancel);
        string text = await Command.RunAsync(["openssl", "x509", "-noout", "-text", "-in", CaOf(hub)], cancel: Cancel);
        Assert.Matches(@"X509v3 Name Constraints: critical\s+Permitted:\s+DNS:tunnelmesh\s+DNS:mesh\s+DNS:this\.tm\s+IP:10\.42\.0\.0/255\.255\.0\.0\s+IP:FD", text);

        Assert.Matches(@"X509v3 Extended Key Usage:\s+TLS Web Server Authentication, TLS Web Client Authentication\s", text);

        // Whoever has the keys of a coordinator vouches for names of the mesh, and for no others.
        string issuer = Path.Combine(hub.Data, "ca", "issuer.pem");
        foreach ((string name, bool good) in new[] { ("DNS:new.tunnelmesh", true), ("IP:10.42.9.9", true), ("DNS:www.example.com", false), ("DNS:nic.tm", false), ("IP:192.0.2.1", false), ("IP:2001:db8::1", false) })
        {
            string leaf = Path.Combine(hub.Folder, "leaf.pem");
            await Command.RunAsync(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-out", leaf, "-days", "2", "-subj", "/O=test",
                "-addext", $"subjectAltName={name}", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", issuer, "-CAkey", issuer], cancel: Cancel);
            CommandResult verified = await Command.TryRunAsync(["openssl", "verify", "-CAfile", CaOf(hub), "-untrusted", issuer, leaf], cancel: Cancel);
            Assert.True(verified.Succeeded == good && (good || verified.Errors.Contains("permitted subtree violation", StringComparison.Ordinal)), $"{name}: {verified}");
        }

        // Nor for anything but servers and clients of TLS: mail, for one, has no name that could be constrained here.
        foreach ((string purpose, bool good) in new[] { ("sslserver", true), ("sslclient", true), ("smimesign", false) })
        {
            string leaf = Path.Combine(hub.Folder, "leaf.pem");
            await Command.RunAsync(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-out", leaf, "-days", "2", "-subj", "/O=test",
                "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=serverAuth,clientAuth,emailProtection", "-CA", issuer, "-CAkey", issuer], cancel: Cancel);
            CommandResult verified = await Command.TryRunAsync(["openssl", "verify", "-purpose", purpose, "-CAfile", CaOf(hub), "-untrusted", issuer, leaf], cancel: Cancel);
            Assert.True(verified.Succeeded == good && (good || verified.Errors.Contains("invalid purpose", StringComparison.Ordinal) || verified.Errors.Contains("unsuitable certificate purpose", StringComparison.Ordinal)), $"{purpose}: {verified}");
        }
    }

    [Fact]
    public async Task Join_offers_it_once_on_a_terminal()
    {
        Requirements.Programs("update-ca-certificates", "script", "unshare", "mount");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub");
        string local = Path.Combine(underlay.Folder, "local"), certificates = Path.Combine(underlay.Folder, "certs");
        Directory.CreateDirectory(local);
        Directory.CreateDirectory(certificates);
        // The terminal's line is there before it is asked for; the store of this machine is covered.
        string[] wrapper =
        [
            "unshare", "-m", "sh", "-c",
            $"mount --bind {local} /usr/local/share/ca-certificates && mount --bind {certificates} /etc/ssl/certs && printf 'y\\n' | script -qfec \"$*\" /dev/null", "sh",
        ];
        await hub.JoinAsync(Cancel, wrapper: wrapper);
        await hub.Program!.WaitForLineAsync("The system trusts TunnelMesh root", Patience, Cancel);
        Assert.Contains("[y/N]", hub.Program.Output, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllTextAsync(CaOf(hub), Cancel), await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(local)), Cancel));
        Assert.True(File.Exists(Path.Combine(certificates, "ca-certificates.crt")));
        await EndAsync();

        // Also when it is not there any more.
        File.Delete(Assert.Single(Directory.GetFiles(local)));
        await hub.JoinAsync(Cancel, wrapper: wrapper);
        await hub.AskUntilAsync(s => s.GetProperty("coordinator").GetProperty("state").GetString() == "connected", Cancel, "status");
        await EndAsync();
        Assert.DoesNotContain("[y/N]", hub.Program!.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(local));

        // The wrapper is not the peer, so it is told over its own socket.
        async Task EndAsync()
        {
            using (var client = await hub.ConnectAsync(Cancel))
            {
                await client.ShutdownAsync(Cancel);
            }
            await hub.Program!.WaitForExitAsync(Patience, Cancel);
        }
    }
}
