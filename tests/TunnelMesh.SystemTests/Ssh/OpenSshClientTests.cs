using System.Globalization;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Ssh;

/// <summary>The SSH transport as a server of the real ssh.</summary>
public sealed class OpenSshClientTests
{
    private const string Device = "0123456789abcdef0123456789abcdef";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ssh_logs_in_with_the_identity_of_a_peer_and_is_refused_a_session()
    {
        await using Scene scene = await Scene.CreateAsync();
        foreach (string address in new[] { scene.Here.Address, scene.Here.Address6 })
        {
            CommandResult result = await scene.There.TryRunAsync(scene.Ssh(scene.Member, Device, address, "-v", "true"), Cancel);
            Assert.Contains("Authenticated to ", result.Errors, StringComparison.Ordinal);
            Assert.Contains("using \"publickey\"", result.Errors, StringComparison.Ordinal);
            Assert.Contains("open failed: unknown channel type", result.Errors, StringComparison.Ordinal);
            Assert.Contains("cipher: aes256-gcm@openssh.com", result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("Corrupted", result.Errors, StringComparison.Ordinal);
        }
        Assert.Equal(0, scene.Sink.Calls);
        Assert.Equal(2, scene.Transport.Counters.Accepted);
    }

    [Fact]
    public async Task Ssh_is_refused_with_a_strangers_key_and_as_a_stranger()
    {
        await using Scene scene = await Scene.CreateAsync();
        OpenSshKey stranger = await OpenSshKey.MakeAsync(scene.Folder, "stranger", Cancel);
        foreach ((OpenSshKey key, string user) in new[] { (stranger, Device), (scene.Member, "root"), (scene.Member, Device.Replace('0', 'a')) })
        {
            CommandResult result = await scene.There.TryRunAsync(scene.Ssh(key, user, scene.Here.Address, "-v", "true"), Cancel);
            Assert.Contains("Permission denied (publickey)", result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("Server accepts key", result.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_host_key_is_the_identity_key()
    {
        await using Scene scene = await Scene.CreateAsync();
        OpenSshKey other = await OpenSshKey.MakeAsync(scene.Folder, "other", Cancel);
        await File.WriteAllTextAsync(scene.KnownHosts, scene.HostLine(other), Cancel);
        CommandResult result = await scene.There.TryRunAsync(scene.Ssh(scene.Member, Device, scene.Here.Address, "true"), Cancel);
        Assert.Contains("REMOTE HOST IDENTIFICATION HAS CHANGED", result.Errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(scene.KnownHosts, scene.HostLine(scene.Host), Cancel);
        result = await scene.There.TryRunAsync(scene.Ssh(scene.Member, Device, scene.Here.Address, "-v", "true"), Cancel);
        Assert.Contains("Authenticated to ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ssh_changes_keys_and_has_its_heartbeats_answered_until_it_is_cut_for_opening_no_channel()
    {
        await using Scene scene = await Scene.CreateAsync();
        await using RunningProgram ssh = scene.There.Start(scene.Ssh(
            scene.Member, Device, scene.Here.Address, "-v", "-N", "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "RekeyLimit=default 1"));
        await ssh.WaitForExitAsync(TimeSpan.FromSeconds(20), Cancel);
        string said = ssh.Output;
        Assert.Contains("Authenticated to ", said, StringComparison.Ordinal);
        Assert.True(said.Split("SSH2_MSG_NEWKEYS received").Length - 1 >= 3, said);
        Assert.DoesNotContain("not responding", said, StringComparison.Ordinal);
        Assert.Contains("the channel was not open in time", said, StringComparison.Ordinal);
    }

    private sealed class Scene : IAsyncDisposable
    {
        private readonly Underlay _underlay;

        private Scene(Underlay underlay, NetworkNamespace here, NetworkNamespace there, OpenSshKey host, OpenSshKey member)
        {
            (_underlay, Here, There, Host, Member) = (underlay, here, there, host, member);
            Transport = NamespaceThread.Run(here, () => new SshTransport(
                new SshTransportOptions { Identity = host.Identity, DeviceId = 1, Port = 0, HandshakeLimit = TimeSpan.FromSeconds(7) }, Sink));
            Transport.SetPeers([new SshPeer(UInt128.Parse(Device, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), member.Identity.PublicKey.ToArray(), [])]);
            File.WriteAllText(KnownHosts, HostLine(host));
        }

        public NetworkNamespace Here { get; }

        public NetworkNamespace There { get; }

        public OpenSshKey Host { get; }

        public OpenSshKey Member { get; }

        public NoSink Sink { get; } = new();

        public SshTransport Transport { get; }

        public string Folder => _underlay.Folder;

        public string KnownHosts => Path.Combine(Folder, "known_hosts");

        public string Port => Transport.Port.ToString(CultureInfo.InvariantCulture);

        public static async Task<Scene> CreateAsync()
        {
            Requirements.Programs("ssh", "ssh-keygen");
            Underlay underlay = await Underlay.CreateAsync(Cancel);
            NetworkNamespace here = await underlay.AddMachineAsync(Cancel), there = await underlay.AddMachineAsync(Cancel);
            return new Scene(underlay, here, there, await OpenSshKey.MakeAsync(underlay.Folder, "host", Cancel), await OpenSshKey.MakeAsync(underlay.Folder, "member", Cancel));
        }

        public string HostLine(OpenSshKey key) => $"[{Here.Address}]:{Port},[{Here.Address6}]:{Port} {key.PublicLine}\n";

        public string[] Ssh(OpenSshKey key, string user, string address, params string[] rest)
        {
            string[] before = [.. rest.TakeWhile(r => r != "true")], after = [.. rest.SkipWhile(r => r != "true")];
            return
            [
                "ssh", "-F", "none", "-i", key.Path, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                "-o", $"UserKnownHostsFile={KnownHosts}", "-o", "GlobalKnownHostsFile=none", "-p", Port, "-l", user, .. before, address, .. after,
            ];
        }

        public async ValueTask DisposeAsync()
        {
            await Transport.DisposeAsync();
            await _underlay.DisposeAsync();
        }
    }
}
