using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Tests.Cli;

public sealed class InitCommandTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private string Key => Path.Combine(_cli.Home, "id_ed25519");

    [Fact]
    public async Task The_key_is_made_once_and_belongs_to_its_owner_alone()
    {
        (int code, string output, _) = await _cli.RunAsync(["init"]);
        Assert.Equal(0, code);
        string id = output.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
        Assert.Matches("^[0-9a-f]{16}$", id);
        byte[] before = await File.ReadAllBytesAsync(Key, TestContext.Current.CancellationToken);
        Assert.StartsWith("ssh-ed25519 ", await File.ReadAllTextAsync(Key + ".pub", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Key));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_cli.Home));
        }
        Assert.Contains(id, (await _cli.RunAsync(["init"])).Output, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(Key, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n")]
    [InlineData("")]
    [InlineData("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ someone\n")]
    public async Task A_key_that_cannot_be_used_is_named_and_left_as_it_is(string text)
    {
        Directory.CreateDirectory(_cli.Home);
        await File.WriteAllTextAsync(Key, text, TestContext.Current.CancellationToken);
        (int code, _, string error) = await _cli.RunAsync(["init"]);
        Assert.Equal(9, code);
        Assert.StartsWith($"tunnelmesh: {Key}: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Equal(text, await File.ReadAllTextAsync(Key, TestContext.Current.CancellationToken));
        Assert.Equal(9, (await _cli.RunAsync(["join", "127.0.0.1:1"], token: new string('a', 64))).Code);
        Assert.Equal(text, await File.ReadAllTextAsync(Key, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task With_peer_a_configuration_is_written_that_is_valid_and_replaced_only_by_force()
    {
        string file = _cli.PathOf("peer.yaml");
        Assert.Equal(0, (await _cli.RunAsync(["init", "--peer", "--output", file])).Code);
        Assert.Equal(1400, ConfigReader.ReadFile(file).TunMtu);
        Assert.True(File.Exists(Key));
        await File.WriteAllTextAsync(file, "name: mine\n", TestContext.Current.CancellationToken);
        (int code, _, string error) = await _cli.RunAsync(["init", "--peer", "--output", file]);
        Assert.Equal(3, code);
        Assert.Contains("--force", error, StringComparison.Ordinal);
        Assert.Equal("name: mine\n", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(0, (await _cli.RunAsync(["init", "--peer", "--output", file, "--force"])).Code);
        Assert.Equal("", ConfigReader.ReadFile(file).Name);
    }

    [Fact]
    public async Task The_key_of_the_configuration_counts()
    {
        string config = _cli.PathOf("c.yaml"), key = _cli.PathOf("keys/mine");
        await File.WriteAllTextAsync(config, $"private_key: {key}\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await _cli.RunAsync(["--config", config, "init"])).Code);
        Assert.True(File.Exists(key));
        Assert.False(File.Exists(Key));
    }

    [Fact]
    public async Task A_configuration_that_has_no_place_is_refused_before_anything_is_made()
    {
        foreach ((string path, string expected) in new[] { (_cli.PathOf("none/peer.yaml"), "There is no directory"), (_cli.PathOf("."), "is a directory") })
        {
            (int code, _, string error) = await _cli.RunAsync(["init", "--peer", "--force", "--output", path]);
            Assert.Equal(3, code);
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.False(File.Exists(Key));
        }
    }

    [Fact]
    public async Task A_key_that_others_may_read_is_told()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("no file modes");
            return;
        }
        await _cli.RunAsync(["init"]);
        Assert.DoesNotContain("chmod", (await _cli.RunAsync(["init"])).Output, StringComparison.Ordinal);
        File.SetUnixFileMode(Key, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", (await _cli.RunAsync(["init"])).Output, StringComparison.Ordinal);
    }
}
