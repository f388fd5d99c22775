using System.Net.Sockets;
using System.Text.Json;
using TunnelMesh.Tests.Cli;

namespace TunnelMesh.Tests.Contexts;

public sealed class ContextCommandTests : IDisposable
{
    private readonly CommandLine _cli = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Folder(string context) => Path.Combine(_cli.Home, "contexts", context);

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        (int code, string output, string error) = await _cli.RunAsync([.. arguments, "--json"]);
        Assert.Equal((0, ""), (code, error));
        using JsonDocument document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task One_is_made_shown_chosen_and_deleted()
    {
        (int code, string output, _) = await _cli.RunAsync(["context", "create", "work"]);
        Assert.Equal(0, code);
        Assert.Contains("interface tun-mesh1, UDP port 2225, TCP port 2224", output, StringComparison.Ordinal);
        Assert.Contains("tunnelmesh join HOST:PORT --context work", output, StringComparison.Ordinal);
        Assert.Equal(1, (await _cli.RunAsync(["context", "create", "work"])).Code);

        JsonElement list = await JsonAsync("context", "list");
        Assert.Equal(["default True stopped", "work False stopped"], list.EnumerateArray().Select(c => $"{c.GetProperty("name")} {c.GetProperty("active")} {c.GetProperty("state")}"));
        Assert.Equal(0, (await _cli.RunAsync(["context", "use", "work"])).Code);
        JsonElement shown = await JsonAsync("context", "show");
        Assert.Equal("work", shown.GetProperty("name").GetString());
        Assert.Equal(2225, shown.GetProperty("udp_port").GetInt32());
        Assert.Equal("127.0.0.53:5354", shown.GetProperty("dns_listen").GetString());
        Assert.Equal("tunnelmesh-work", shown.GetProperty("service").GetString());
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("device").ValueKind);
        Assert.Contains("* ", (await _cli.RunAsync(["context", "list"])).Output.Split('\n')[1], StringComparison.Ordinal);

        // Commands go to it now.
        Assert.Contains(Path.Combine(_cli.Home, "work.sock"), (await _cli.RunAsync(["status"])).Error, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_cli.Home, "default.sock"), (await _cli.RunAsync(["status", "--context", "default"])).Error, StringComparison.Ordinal);

        // Nothing in it that could be missed, so nothing is asked.
        (code, output, _) = await _cli.RunAsync(["context", "delete", "work"]);
        Assert.Equal(0, code);
        Assert.Contains("The context default is in use now", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder("work")));
    }

    [Fact]
    public async Task A_configuration_is_read_before_it_is_kept()
    {
        string good = _cli.PathOf("good.yaml"), bad = _cli.PathOf("bad.yaml");
        await File.WriteAllTextAsync(good, "tun: { name: tun-office }\n", Cancel);
        await File.WriteAllTextAsync(bad, "tunn: {}\n", Cancel);
        Assert.Equal(3, (await _cli.RunAsync(["context", "create", "work", "--config", bad])).Code);
        Assert.False(Directory.Exists(Folder("work")));
        Assert.Contains("tun-office", (await _cli.RunAsync(["context", "create", "work", "--config", good])).Output, StringComparison.Ordinal);
        Assert.Equal("tun-office", (await JsonAsync("context", "show", "work")).GetProperty("interface").GetString());
        Assert.Equal(await File.ReadAllTextAsync(good, Cancel), await File.ReadAllTextAsync(Path.Combine(Folder("work"), "config.yaml"), Cancel));
    }

    [Fact]
    public async Task One_with_keys_is_not_deleted_without_being_asked_nor_while_its_peer_runs()
    {
        await _cli.RunAsync(["context", "create", "work"]);
        await File.WriteAllTextAsync(Path.Combine(Folder("work"), "device.key"), "x", Cancel);
        string socket = Path.Combine(_cli.Home, "work.sock");
        using (Socket peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            peer.Bind(new UnixDomainSocketEndPoint(socket));
            peer.Listen();
            (int running, _, string said) = await _cli.RunAsync(["context", "delete", "work", "--yes"]);
            Assert.Equal(8, running);
            Assert.Contains("service stop --context work", said, StringComparison.Ordinal);
        }
        File.Delete(socket);
        if (Console.IsInputRedirected)
        {
            (int asked, _, string why) = await _cli.RunAsync(["context", "delete", "work"]);
            Assert.Equal(2, asked);
            Assert.Contains("--yes", why, StringComparison.Ordinal);
        }
        Assert.True(Directory.Exists(Folder("work")));
        string trusted = Path.Combine(Folder("work"), "trusted-ca.pem");
        await File.WriteAllTextAsync(trusted, "x", Cancel);
        Assert.Contains("trust-ca --remove --context work", (await _cli.RunAsync(["context", "delete", "work", "--yes"])).Error, StringComparison.Ordinal);
        File.Delete(trusted);
        Assert.Equal(0, (await _cli.RunAsync(["context", "delete", "work", "--yes"])).Code);
        Assert.False(Directory.Exists(Folder("work")));
    }

    [Theory]
    [InlineData("use")]
    [InlineData("show")]
    [InlineData("delete")]
    public async Task One_that_is_not_here_is_named_and_one_that_is_no_name_refused(string verb)
    {
        (int code, _, string error) = await _cli.RunAsync(["context", verb, "nowhere"]);
        Assert.Equal(1, code);
        Assert.Contains("There is no context nowhere", error, StringComparison.Ordinal);
        (code, _, error) = await _cli.RunAsync(["context", verb, "../x"]);
        Assert.Equal(2, code);
        Assert.Contains("is no name for a context", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Home));
    }

    [Fact]
    public async Task One_that_is_listed_without_being_here_has_nothing_to_delete()
    {
        (int code, string output, string error) = await _cli.RunAsync(["context", "delete", "default"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal("The context default has nothing here that could be deleted.", output.Trim());
        Assert.False(Directory.Exists(_cli.Home));

        Assert.Equal(0, (await _cli.RunAsync(["context", "create", "work"])).Code);
        Assert.Equal(0, (await _cli.RunAsync(["context", "use", "work"])).Code);
        Directory.Delete(Folder("work"), recursive: true);
        (code, output, _) = await _cli.RunAsync(["context", "delete", "work"]);
        Assert.Equal(0, code);
        Assert.Contains("The context default is in use now.", output, StringComparison.Ordinal);
        Assert.Equal(1, (await _cli.RunAsync(["context", "delete", "work"])).Code);
    }

    [Fact]
    public async Task One_that_is_misspelt_is_asked_for()
    {
        Assert.Equal(0, (await _cli.RunAsync(["context", "create", "work"])).Code);
        foreach (string[] line in new string[][] { ["context", "use", "wrok"], ["context", "show", "wrok"], ["context", "delete", "wrok", "--yes"], ["status", "--context", "wrok"], ["ping", "nas", "--context", "wrok"] })
        {
            (int code, _, string error) = await _cli.RunAsync(line);
            Assert.Equal(line[0] == "context" ? 1 : 7, code);
            Assert.Contains("There is no context wrok", error, StringComparison.Ordinal);
            Assert.Contains("Did you mean `work`?", error, StringComparison.Ordinal);
        }
        // One that is here, or may be, is told as before.
        Assert.StartsWith("tunnelmesh: No peer is running here", (await _cli.RunAsync(["status", "--context", "work"])).Error, StringComparison.Ordinal);
        Assert.StartsWith("tunnelmesh: No peer is running here", (await _cli.RunAsync(["status"])).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Did you mean", (await _cli.RunAsync(["status", "--context", "elsewhere"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_membership_that_is_damaged_is_told_and_left_as_it_is()
    {
        await _cli.RunAsync(["context", "create", "work"]);
        string file = Path.Combine(Folder("work"), "mesh.json");
        await File.WriteAllTextAsync(file, "{", Cancel);
        (int code, string output, _) = await _cli.RunAsync(["context", "list"]);
        Assert.Equal(0, code);
        Assert.Contains($"{file} is damaged", output, StringComparison.Ordinal);
        Assert.Equal("{", await File.ReadAllTextAsync(file, Cancel));
    }

    [Fact]
    public async Task Names_of_contexts_are_completed()
    {
        await _cli.RunAsync(["context", "create", "work"]);
        Assert.Equal("work\t\n", (await _cli.RunAsync(["__complete", "3", "context", "use", "w"])).Output.ReplaceLineEndings("\n"));
        Assert.Equal("work\t\n", (await _cli.RunAsync(["__complete", "3", "status", "--context", ""])).Output.ReplaceLineEndings("\n"));
    }
}
