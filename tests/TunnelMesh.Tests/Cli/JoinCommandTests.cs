using System.Net;
using System.Net.Sockets;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class JoinCommandTests : IDisposable
{
    private static readonly string Token = new('a', 64);
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("--wireguard")]
    [InlineData("--locations")]
    [InlineData("--latitude", "52.5")]
    [InlineData("--longitude", "13.4")]
    [InlineData("--city", "Berlin")]
    [InlineData("--enable-tracing")]
    public async Task A_flag_of_a_later_feature_is_refused_by_its_name(params string[] flag)
    {
        (int code, _, string error) = await _cli.RunAsync(["join", .. flag]);
        Assert.Equal(2, code);
        Assert.StartsWith($"tunnelmesh: {flag[0]} is not yet supported in this version", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Home));
    }

    [Fact]
    public async Task An_exit_peer_without_a_name_is_not_taken_for_none()
    {
        await File.WriteAllTextAsync(_cli.PathOf("exit.yaml"), "exit_peer: berlin\nexit_kill_switch: true\n", TestContext.Current.CancellationToken);
        (int code, _, string error) = await _cli.RunAsync(["join", "hub.example.org", "--config", _cli.PathOf("exit.yaml"), "--exit-node", ""]);
        Assert.Equal(2, code);
        Assert.StartsWith("tunnelmesh: `--exit-node` is empty", error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_cli.PathOf("exit.yaml"), "exit_kill_switch: true\n", TestContext.Current.CancellationToken);
        (code, _, error) = await _cli.RunAsync(["join", "hub.example.org", "--config", _cli.PathOf("exit.yaml")]);
        Assert.Equal(3, code);
        Assert.Contains("exit_kill_switch is true, and there is no exit peer", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Home));
    }

    [Theory]
    [InlineData("--nonsense")]
    [InlineData("--log-level", "loud")]
    [InlineData("bad host")]
    [InlineData("host:99999")]
    [InlineData("--ca-pin", "abc")]
    [InlineData("--name", "two words")]
    [InlineData("--name", "this")]
    [InlineData("--exit-node", "")]
    [InlineData("--exit-peer", " ")]
    public async Task A_wrong_command_line_is_told_before_anything_is_made(params string[] arguments)
    {
        (int code, _, string error) = await _cli.RunAsync(["join", .. arguments]);
        Assert.Equal(2, code);
        Assert.StartsWith("tunnelmesh: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Home));
    }

    [Theory]
    [InlineData(null, "TUNNELMESH_TOKEN is not set")]
    [InlineData("abcdef", "24 bits")]
    [InlineData("not hexadecimal, not at all, no", "not hexadecimal")]
    public async Task Joining_needs_a_token_that_cannot_be_guessed(string? token, string expected)
    {
        (int code, _, string error) = await _cli.RunAsync(["join", "127.0.0.1:1"], token);
        Assert.Equal(3, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains("openssl rand -hex 32", error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_cli.Home, "default.sock")));
    }

    [Fact]
    public async Task The_server_of_the_environment_counts_when_none_is_named_and_an_absent_one_is_told()
    {
        using Socket unused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (int code, _, string error) = await _cli.RunAsync(["join"], Token, server: unused.LocalEndPoint!.ToString());
        Assert.Equal(5, code);
        Assert.Contains($"The coordinator {unused.LocalEndPoint} cannot be reached: nothing listens there.", error, StringComparison.Ordinal);
        // The device key is kept for the next attempt; nothing else is left running.
        Assert.True(File.Exists(Path.Combine(_cli.Home, "contexts", "default", "device.key")));
        Assert.False(File.Exists(Path.Combine(_cli.Home, "default.sock")));
    }

    [Fact]
    public async Task A_context_that_nothing_came_of_is_not_left_behind()
    {
        using Socket unused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string server = unused.LocalEndPoint!.ToString()!, folder = Path.Combine(_cli.Home, "contexts", "work");
        Assert.Equal(5, (await _cli.RunAsync(["join", server, "--context", "work"], Token)).Code);
        Assert.False(Directory.Exists(folder));
        // One that was there stays, with the key that it has got.
        Assert.Equal(0, (await _cli.RunAsync(["context", "create", "work"])).Code);
        Assert.Equal(5, (await _cli.RunAsync(["join", server, "--context", "work"], Token)).Code);
        Assert.True(File.Exists(Path.Combine(folder, "device.key")));
    }

    [Fact]
    public async Task The_proxy_of_the_environment_is_used_and_its_password_is_never_shown()
    {
        using Socket unused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (int code, string output, string error) = await _cli.RunAsync(["join", "hub.mesh.invalid:443"], Token, proxy: $"http://user:open-sesame@{unused.LocalEndPoint}");
        Assert.Equal(5, code);
        Assert.Contains($"the proxy {unused.LocalEndPoint}, which HTTPS_PROXY names, cannot be reached", error, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", output + error, StringComparison.Ordinal);

        (code, output, error) = await _cli.RunAsync(["join", "hub.mesh.invalid:443"], Token, proxy: "https://user:open-sesame@proxy:443");
        Assert.Equal(3, code);
        Assert.Contains("only http:// is supported", error, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", output + error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_no_coordinator_is_told()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<Socket> accepted = listener.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask();
        Task<(int Code, string Output, string Error)> running = _cli.RunAsync(["join", listener.LocalEndpoint.ToString()!], Token);
        using (Socket client = await accepted)
        {
            await client.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }
        (int code, _, string error) = await running;
        Assert.Contains(code, new[] { 5, 6 });
        Assert.Contains(listener.LocalEndpoint.ToString()!, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_peer_of_the_context_is_refused_before_anything_is_touched()
    {
        Directory.CreateDirectory(_cli.Home);
        using Socket first = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        first.Bind(new UnixDomainSocketEndPoint(Path.Combine(_cli.Home, "default.sock")));
        first.Listen();
        (int code, _, string error) = await _cli.RunAsync(["join", "127.0.0.1:1"], Token);
        Assert.Equal(8, code);
        Assert.Contains("already running", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_cli.Home, "contexts")));
    }

    [Fact]
    public async Task A_damaged_device_key_is_kept_aside()
    {
        string directory = Path.Combine(_cli.Home, "contexts", "default");
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(Path.Combine(directory, "device.key"), "garbage", TestContext.Current.CancellationToken);
        (int code, _, string error) = await _cli.RunAsync(["join", "127.0.0.1:1"], Token);
        Assert.Equal(9, code);
        string aside = Assert.Single(Directory.GetFiles(directory, "device.key.damaged-*"));
        Assert.Contains(aside, error, StringComparison.Ordinal);
        Assert.Equal("garbage", await File.ReadAllTextAsync(aside, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_coordinator_that_also_names_a_server_is_a_contradiction()
    {
        string config = _cli.PathOf("c.yaml");
        await File.WriteAllTextAsync(config, "coordinator:\n  enabled: true\n", TestContext.Current.CancellationToken);
        Assert.Equal(3, (await _cli.RunAsync(["join", "127.0.0.1:1", "-c", config], Token)).Code);
        await File.WriteAllTextAsync(config, "coordinator:\n  enabled: false\n", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await _cli.RunAsync(["join", "-c", config], Token)).Code);
    }

    [Fact]
    public async Task A_damaged_coordinator_state_is_left_as_it_is()
    {
        string data = _cli.PathOf("data"), config = _cli.PathOf("c.yaml"), state = Path.Combine(data, "state.db");
        Directory.CreateDirectory(data);
        byte[] garbage = [.. Enumerable.Repeat((byte)'x', 4096)];
        await File.WriteAllBytesAsync(state, garbage, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, $"coordinator:\n  data_dir: {data}\n  listen: 127.0.0.1:1\n  stun_listen: off\n", TestContext.Current.CancellationToken);
        (int code, _, string error) = await _cli.RunAsync(["join", "-c", config], Token);
        Assert.Equal(9, code);
        Assert.Contains(state, error, StringComparison.Ordinal);
        Assert.Equal(garbage, await File.ReadAllBytesAsync(state, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(null, "", "Host.example", "host")]
    [InlineData(null, "Configured", "host", "configured", true)]
    [InlineData("Flag", "configured", "host", "flag", true)]
    [InlineData(null, "", "api", "api-1")]
    [InlineData(null, "", "", "peer")]
    public void The_name_is_the_flags_else_the_configurations_else_the_hosts(string? flag, string configured, string host, string expected, bool asked = false) =>
        Assert.Equal((expected, asked), (JoinCommand.ChooseName(flag, configured, host, out bool chosen), chosen));

    [Theory]
    [InlineData("this", "", 2)]
    [InlineData(null, "admin", 3)]
    public void A_reserved_name_is_refused(string? flag, string configured, int code) =>
        Assert.Equal(code, (int)Assert.Throws<HostException>(() => JoinCommand.ChooseName(flag, configured, "host", out _)).Code);
}
