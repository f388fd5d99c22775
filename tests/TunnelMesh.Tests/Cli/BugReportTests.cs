using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TunnelMesh.Cli.BugReports;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Guard;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Cli;

public sealed class BugReportTests : IDisposable
{
    private readonly CommandLine _cli = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _cli.Dispose();

    // All files of an archive, by name.
    private static async Task<Dictionary<string, string>> ReadAsync(string path)
    {
        Dictionary<string, string> files = [];
        await using FileStream file = File.OpenRead(path);
        await using GZipStream gzip = new(file, CompressionMode.Decompress);
        await using TarReader tar = new(gzip);
        while (await tar.GetNextEntryAsync(cancellationToken: Cancel) is { } entry)
        {
            using StreamReader reader = new(entry.DataStream ?? Stream.Null);
            files.Add(Path.GetFileName(entry.Name), await reader.ReadToEndAsync(Cancel));
        }
        return files;
    }

    [Theory]
    [InlineData("http://")]
    [InlineData("")]
    public async Task No_secret_of_a_peer_is_in_it_wherever_it_was_planted(string scheme)
    {
        string token = MeshToken.Generate(RandomNumberGenerator.Fill), other = MeshToken.Generate(RandomNumberGenerator.Fill), made = MeshToken.Generate(RandomNumberGenerator.Fill)[..32];
        Assert.Equal(0, (await _cli.RunAsync(["init"])).Code);
        string identity = await File.ReadAllTextAsync(Path.Combine(_cli.Home, "id_ed25519"), Cancel);
        string device = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), data = _cli.PathOf("data");
        string context = Path.Combine(_cli.Home, "contexts", "default");
        Directory.CreateDirectory(context);
        Directory.CreateDirectory(data);
        await File.WriteAllTextAsync(Path.Combine(context, "device.key"), device + "\n", Cancel);
        await File.WriteAllTextAsync(Path.Combine(data, "mesh-token"), made + "\n", Cancel);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string tls = key.ExportPkcs8PrivateKeyPem();
        await File.WriteAllTextAsync(Path.Combine(context, "certificate.pem"), tls + "\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Cancel);
        await File.WriteAllTextAsync(Path.Combine(context, "config.yaml"), $"# old token {other}\nname: nas # password: hunter22\nssh_port: 2200\ncoordinator:\n  data_dir: {data}\n", Cancel);
        string log = _cli.PathOf("peer.log");
        await File.WriteAllLinesAsync(log,
            [
                "2026-01-01T00:00:00Z info   interface up name=tun-mesh0 token=7",
                $"warn token {token} and {other.ToUpperInvariant()} and ,{made},",
                $"warn key {device} {tls.ReplaceLineEndings("\\n")} and {identity.ReplaceLineEndings(" ")}",
                $"proxy http://user:s3cr3t-pw@192.0.2.1:3128 failed: password=swordfish1 Authorization: Bearer!abcdefgh",
                "the proxy does not know s3cr3t-pw",
                $"raw {Convert.ToHexString(RandomNumberGenerator.GetBytes(20))} of {string.Concat(identity.Split('\n')[1..3])}",
                "-----BEGIN OPENSSH PRIVATE KEY----- unfinishedkeymaterial",
            ], Cancel);
        string path = _cli.PathOf("report.tar.gz");
        (int code, string output, string error) = await _cli.RunAsync(["bugreport", "--output", path, "--log", log], token: token, proxy: $"{scheme}user:s3cr3t-pw@192.0.2.1:3128");
        Assert.Equal((0, ""), (code, error));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
        Dictionary<string, string> files = await ReadAsync(path);
        string all = string.Join('\n', files.Values);
        string[] keyLines = [.. (identity + tls).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith('-'))];
        foreach (string secret in keyLines.Concat([token, other, made, device, "s3cr3t-pw", "hunter22", "swordfish1", "Bearer!abcdefgh", "unfinishedkeymaterial"]))
        {
            Assert.DoesNotContain(secret, all, StringComparison.OrdinalIgnoreCase);
        }
        // What helps is there all the same.
        Assert.Contains("interface up name=tun-mesh0 token=7", files["log-1.log"], StringComparison.Ordinal);
        Assert.Contains("192.0.2.1:3128", files["log-1.log"], StringComparison.Ordinal);
        Assert.Contains("name: nas", files["config.txt"], StringComparison.Ordinal);
        Assert.Contains("ssh_port: 2200", files["config.txt"], StringComparison.Ordinal);
        Assert.Contains("TUNNELMESH_TOKEN set", files["system.txt"], StringComparison.Ordinal);
        Assert.Contains("HTTPS_PROXY set", files["system.txt"], StringComparison.Ordinal);
        Assert.Contains("No peer is running", files["status.json"], StringComparison.Ordinal);
        Assert.All(files.Keys, name => Assert.Contains(name, output, StringComparison.Ordinal));
        Assert.All(files.Keys.Where(n => n != "contents.txt"), name => Assert.Contains(name, files["contents.txt"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rules_routes_and_tables_of_peers_are_in_it_and_what_was_written_is_told_as_JSON()
    {
        string path = _cli.PathOf("report.tar.gz");
        (int code, string output, _) = await _cli.RunAsync(["bugreport", "--output", path, "--json"]);
        Assert.Equal(0, code);
        Dictionary<string, string> files = await ReadAsync(path);
        foreach (string command in new[] { "ip rule", "ip -6 rule", "ip route", "ip -6 route", "ip route show table 29805", "ip -6 route show table 29805", "nft list tables" })
        {
            Assert.Contains($"$ {command}\n", files["network.txt"].ReplaceLineEndings("\n"), StringComparison.Ordinal);
        }
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(path, document.RootElement.GetProperty("file").GetString());
        Assert.Equal(JsonValueKind.Number, document.RootElement.GetProperty("left_out").ValueKind);
        Assert.Equal(files.ToDictionary(f => f.Key, f => Encoding.UTF8.GetByteCount(f.Value)), document.RootElement.GetProperty("files").EnumerateArray().ToDictionary(f => f.GetProperty("name").GetString()!, f => f.GetProperty("bytes").GetInt32()));
    }

    [Fact]
    public void Tables_of_others_are_left_alone()
    {
        Assert.Equal(["table inet tunnelmesh_tun_mesh0", "table ip tunnelmesh-guard-tun-mesh0"],
            BugReport.OwnTables("table inet filter\ntable inet tunnelmesh_tun_mesh0\ntable ip tunnelmesh-guard-tun-mesh0\ntable ip nat\nOperation not permitted\n").Select(t => string.Join(' ', t)));
        Assert.Empty(BugReport.OwnTables("there is no nft here\n"));
        // The names that peers give their tables.
        Assert.All(new[] { NftRules.Table("tun-mesh0"), GuardRules.NftTable("tun-mesh0") }, name => Assert.Single(BugReport.OwnTables($"table inet {name}\n")));
    }

    [Fact]
    public void The_table_of_routes_is_the_one_of_exit_traffic() => Assert.Equal(BugReport.ExitTable, $"{ExitRoutes.Table}");

    [Fact]
    public async Task A_configuration_that_is_wrong_tells_what_is_wrong_and_no_secret()
    {
        string config = _cli.PathOf("c.yaml"), path = _cli.PathOf("report.tar.gz");
        await File.WriteAllTextAsync(config, "loki:\n  url: https://user:s3cr3t-pw@loki.example/\n", Cancel);
        Assert.Equal(0, (await _cli.RunAsync(["bugreport", "--output", path, "--config", config])).Code);
        string text = (await ReadAsync(path))["config.txt"];
        Assert.Contains("`loki.url` is not yet supported", text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_exists_is_never_written_over()
    {
        string path = _cli.PathOf("report.tar.gz");
        await File.WriteAllTextAsync(path, "mine", Cancel);
        (int code, _, string error) = await _cli.RunAsync(["bugreport", "--output", path]);
        Assert.Equal(1, code);
        Assert.Contains("exists already", error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(path, Cancel));
    }

    [Fact]
    public void Numbers_of_devices_and_ordinary_text_stay()
    {
        Redactor redactor = new();
        string device = new('d', 32);
        redactor.Show(device);
        string text = $"device {device} at [2001:db8::1]:2223, peer 0123456789abcdef, /var/lib/tunnelmesh/a/very/long/path/that/goes/on/and/on, token=12 state=revoked, 2026-01-01T00:00:00Z";
        Assert.Equal(text, redactor.Clean(text));
        Assert.Equal(0, redactor.Count);
        Assert.Equal("device [32 characters left out].", redactor.Clean($"device {new string('e', 32)}."));
        Assert.Equal(1, redactor.Count);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_too_short_to_be_a_secret_takes_nothing_out(string? secret)
    {
        Redactor redactor = new();
        redactor.Hide(secret);
        Assert.Equal("a short text", redactor.Clean("a short text"));
    }
}
