using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>What becomes of the library's resolver: every program resolves names of the mesh, others' names go on, and everything is put back.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SystemSetupTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<string> FindAsync(NetworkNamespace machine, string name)
    {
        CommandResult found = await machine.TryRunAsync(["getent", "ahostsv4", name], Cancel);
        return found.Output.Split(' ')[0];
    }

    [Fact]
    public async Task Names_of_the_mesh_and_of_others_resolve_while_a_peer_runs_after_kill_9_and_after_its_end()
    {
        Requirements.Programs("getent");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        NetworkNamespace outside = await underlay.AddMachineAsync(Cancel);
        // The coordinator is dialled by a name that looks like one of the mesh.
        await using OutsideNames names = new(outside, new Dictionary<string, string> { ["www.example.com"] = "192.0.2.80", ["vpn.mesh"] = hub.Machine.Address, ["nic.tm"] = "192.0.2.81" });
        string before = $"# by hand\nsearch example.com\nnameserver {outside.Address}\noptions timeout:2 attempts:1\n";
        using OwnResolvConf conf = new(nas.Machine, before);
        File.SetUnixFileMode(conf.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        DateTime written = File.GetLastWriteTimeUtc(conf.Path);
        await hub.JoinAsync(Cancel);
        await nas.JoinAsync(Cancel, "vpn.mesh:8443");

        await nas.AskUntilAsync(s => s.GetProperty("dns").GetProperty("names").GetInt32() == 3, Cancel, "status");
        Assert.Equal("resolv.conf", (await nas.AskJsonAsync(Cancel, "status")).GetProperty("dns").GetProperty("system").GetString());
        Assert.Contains("nameserver 127.0.0.53\n", conf.Text, StringComparison.Ordinal);
        Assert.Contains("search example.com\n", conf.Text, StringComparison.Ordinal);
        Assert.True(await nas.Machine.ReachesAsync("hub.tunnelmesh", 10, Cancel));
        Assert.Equal("10.42.0.1", await FindAsync(nas.Machine, "this.tm"));
        await EverythingElseResolvesAsync();

        // Somebody writes over it: theirs is what is put back.
        string theirs = $"nameserver {outside.Address}\n";
        await File.WriteAllTextAsync(conf.Path, theirs, Cancel);
        long start = Stopwatch.GetTimestamp();
        while (!conf.Text.Contains("127.0.0.53", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), conf.Text + nas.Program!.Output);
            await Task.Delay(50, Cancel);
        }
        Assert.Equal(0, await nas.StopAsync(Cancel));
        Assert.Equal(theirs, conf.Text);

        await File.WriteAllTextAsync(conf.Path, before, Cancel);
        File.SetLastWriteTimeUtc(conf.Path, written);
        await nas.JoinAsync(Cancel, "vpn.mesh:8443");
        Assert.NotEqual(before, conf.Text);
        string journal = Assert.Single(Directory.GetFiles(nas.Home, "dns.json", SearchOption.AllDirectories));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(journal));
        await nas.KillAsync();
        Assert.NotEqual(before, conf.Text);
        start = Stopwatch.GetTimestamp();
        await EverythingElseResolvesAsync();
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1.5), "others' names are slow without the peer");

        await nas.JoinAsync(Cancel, "vpn.mesh:8443");
        await nas.Program!.WaitForLineAsync("it was undone", TimeSpan.FromSeconds(5), Cancel);
        Assert.Equal(0, await nas.StopAsync(Cancel));
        Assert.Equal(before, conf.Text);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(conf.Path));
        Assert.Equal(written, File.GetLastWriteTimeUtc(conf.Path), TimeSpan.FromMilliseconds(1));
        Assert.Empty(Directory.GetFiles(nas.Home, "dns.json*", SearchOption.AllDirectories));
        await EverythingElseResolvesAsync();

        async Task EverythingElseResolvesAsync()
        {
            Assert.Equal("192.0.2.80", await FindAsync(nas.Machine, "www.example.com"));
            Assert.Equal("192.0.2.81", await FindAsync(nas.Machine, "nic.tm"));
            Assert.Equal(hub.Machine.Address, await FindAsync(nas.Machine, "vpn.mesh"));
        }
    }

    [Fact]
    public async Task A_configuration_that_is_a_link_in_a_directory_of_its_own_is_replaced_and_put_back_as_a_link()
    {
        Requirements.Programs("unshare", "mount", "getent");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        // A mount namespace whose /etc is a copy in memory, with resolv.conf a link, as many systems have it.
        string etc = Path.Combine(hub.Folder, "etc");
        await Command.RunAsync(["cp", "-a", "/etc", etc], cancel: Cancel);
        File.Delete(Path.Combine(etc, "resolv.conf"));
        await File.WriteAllTextAsync(Path.Combine(etc, "real.conf"), "nameserver 198.51.100.99\n", Cancel);
        File.CreateSymbolicLink(Path.Combine(etc, "resolv.conf"), "real.conf");
        string[] wrapper = ["unshare", "-m", "sh", "-c", $"mount --bind {etc} /etc && exec \"$@\"", "sh"];
        await hub.JoinAsync(Cancel, wrapper: wrapper);
        FileInfo conf = new(Path.Combine(etc, "resolv.conf"));
        Assert.Null(conf.LinkTarget);
        Assert.Contains("nameserver 198.51.100.99", await File.ReadAllTextAsync(conf.FullName, Cancel), StringComparison.Ordinal);
        await hub.KillAsync();
        await hub.JoinAsync(Cancel, wrapper: wrapper);
        Assert.Equal(0, await hub.StopAsync(Cancel));
        Assert.Equal("real.conf", new FileInfo(conf.FullName).LinkTarget);
        Assert.Equal("nameserver 198.51.100.99\n", await File.ReadAllTextAsync(Path.Combine(etc, "real.conf"), Cancel));
    }
}
