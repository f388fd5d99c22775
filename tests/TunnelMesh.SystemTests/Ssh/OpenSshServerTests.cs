using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Ssh;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Ssh;

/// <summary>Our connection as a client of the real sshd.</summary>
public sealed class OpenSshServerTests
{
    private const int Port = 2222;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sshd_lets_an_identity_in_and_opens_a_session()
    {
        await using Scene scene = await Scene.CreateAsync();
        using SshConnection connection = scene.Client(scene.Member, scene.Host);
        using SocketPump pump = await scene.ConnectAsync(connection);
        Assert.True(await pump.RunAsync(() => connection.IsOpen, Limit, Cancel), connection.Failure?.Text);
        await scene.Daemon.WaitForLineAsync("Accepted publickey for root", Limit, Cancel);
        connection.Heartbeat(Stopwatch.GetTimestamp());
        Assert.True(await pump.RunAsync(() => connection.HeartbeatSince is null, Limit, Cancel));
        connection.Disconnect(SshDisconnectReason.ByApplication, "done");
        await pump.WriteAsync(Cancel);
        await scene.Daemon.WaitForLineAsync("11: done", Limit, Cancel);
    }

    [Fact]
    public async Task Keys_change_with_sshd_whoever_begins()
    {
        await using Scene scene = await Scene.CreateAsync("-o", "RekeyLimit=default 1");
        using SshConnection connection = scene.Client(scene.Member, scene.Host);
        using SocketPump pump = await scene.ConnectAsync(connection);
        Assert.True(await pump.RunAsync(() => connection.IsOpen, Limit, Cancel), connection.Failure?.Text);
        // An hour later, as it seems to us.
        connection.Tick(Stopwatch.GetTimestamp() + (long)(3601.0 * Stopwatch.Frequency));
        Assert.True(await pump.RunAsync(() => connection.KeyExchanges == 2, Limit, Cancel), connection.Failure?.Text);
        // Sshd begins at the first packet after its second.
        for (int beats = 0; connection.KeyExchanges < 4; beats++)
        {
            Assert.True(beats < 20, "sshd has begun no key exchange");
            await Task.Delay(300, Cancel);
            connection.Heartbeat(Stopwatch.GetTimestamp());
            Assert.True(await pump.RunAsync(() => connection.HeartbeatSince is null, Limit, Cancel), connection.Failure?.Text);
        }
        Assert.True(connection.IsOpen);
    }

    [Fact]
    public async Task A_channel_of_datagrams_is_no_channel_of_sshd()
    {
        await using Scene scene = await Scene.CreateAsync();
        using SshConnection connection = scene.Client(scene.Member, scene.Host, SshChannelType.Datagrams);
        using SocketPump pump = await scene.ConnectAsync(connection);
        Assert.False(await pump.RunAsync(() => connection.IsOpen, Limit, Cancel));
        Assert.Equal("the server refused the channel (reason 2)", connection.Failure?.Text);
    }

    [Fact]
    public async Task Another_sshd_than_the_expected_one_learns_no_name()
    {
        await using Scene scene = await Scene.CreateAsync();
        OpenSshKey other = await OpenSshKey.MakeAsync(scene.Folder, "other", Cancel);
        using SshConnection connection = scene.Client(scene.Member, other);
        using SocketPump pump = await scene.ConnectAsync(connection);
        Assert.False(await pump.RunAsync(() => connection.IsOpen, Limit, Cancel));
        Assert.Equal(SshDisconnectReason.HostKeyNotVerifiable, connection.Failure?.Reason);
        await pump.WriteAsync(Cancel);
        await scene.Daemon.WaitForLineAsync("the host key is not the one of this peer", Limit, Cancel);
        Assert.DoesNotContain("root", scene.Daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_sshd_does_not_know_is_refused()
    {
        await using Scene scene = await Scene.CreateAsync();
        OpenSshKey stranger = await OpenSshKey.MakeAsync(scene.Folder, "stranger", Cancel);
        using SshConnection connection = scene.Client(stranger, scene.Host);
        using SocketPump pump = await scene.ConnectAsync(connection);
        Assert.False(await pump.RunAsync(() => connection.IsOpen, Limit, Cancel));
        Assert.Equal(SshDisconnectReason.NoMoreAuthMethods, connection.Failure?.Reason);
    }

    private sealed class Scene(Underlay underlay, NetworkNamespace there, NetworkNamespace here, OpenSshKey host, OpenSshKey member, RunningProgram daemon) : IAsyncDisposable
    {
        public OpenSshKey Host => host;

        public OpenSshKey Member => member;

        public RunningProgram Daemon => daemon;

        public string Folder => underlay.Folder;

        public static async Task<Scene> CreateAsync(params string[] options)
        {
            Requirements.Programs("sshd", "ssh-keygen");
            Underlay underlay = await Underlay.CreateAsync(Cancel);
            NetworkNamespace there = await underlay.AddMachineAsync(Cancel), here = await underlay.AddMachineAsync(Cancel);
            OpenSshKey host = await OpenSshKey.MakeAsync(underlay.Folder, "host", Cancel), member = await OpenSshKey.MakeAsync(underlay.Folder, "member", Cancel);
            string authorized = Path.Combine(underlay.Folder, "authorized_keys");
            await File.WriteAllTextAsync(authorized, member.PublicLine + "\n", Cancel);
            // Where sshd shuts its unprivileged part in; the system makes it when it starts its own.
            Directory.CreateDirectory("/run/sshd");
            RunningProgram daemon = there.Start(
            [
                "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", host.Path, "-p", $"{Port}", "-o", $"AuthorizedKeysFile={authorized}", "-o", "StrictModes=no",
                "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "PermitRootLogin=prohibit-password", "-o", "LogLevel=VERBOSE", .. options,
            ]);
            await daemon.WaitForLineAsync("Server listening on 0.0.0.0", Limit, Cancel);
            return new Scene(underlay, there, here, host, member, daemon);
        }

        public SshConnection Client(OpenSshKey key, OpenSshKey expected, string channel = SshChannelType.Session) => new(
            new SshClientOptions
            {
                Identity = key.Identity,
                HostKey = expected.Identity.PublicKey.ToArray(),
                UserName = "root",
                ChannelType = channel,
                Random = RandomNumberGenerator.Fill,
                Time = TimeProvider.System,
            },
            Stopwatch.GetTimestamp());

        public async Task<SocketPump> ConnectAsync(SshConnection connection)
        {
            Socket socket = NamespaceThread.Run(here, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(there.Address), Port), Cancel);
            return new SocketPump(socket, connection);
        }

        public async ValueTask DisposeAsync()
        {
            await daemon.DisposeAsync();
            await underlay.DisposeAsync();
        }
    }
}
