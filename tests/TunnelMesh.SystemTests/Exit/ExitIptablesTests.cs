using System.Security.Cryptography;
using TunnelMesh.SystemTests.Capture;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>Both sides of an exit on machines that have iptables and no nft.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExitIptablesTests
{
    private const string Site6 = $"[{ExitLab.Site6}]";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A layer over the folder of programs in which nft does not exist.
    private static string[] WithoutNft(Peer peer)
    {
        string hide = Path.Combine(peer.Folder, "hide");
        return ["unshare", "--mount", "sh", "-c", $"mkdir -p {hide} && mount -t tmpfs tmpfs {hide} && mknod {hide}/nft c 0 0 && mount -t overlay overlay -o lowerdir={hide}:/usr/sbin /usr/sbin && exec \"$0\" \"$@\""];
    }

    private static async Task<string> ChainsAsync(NetworkNamespace machine)
    {
        List<string> lines = [];
        foreach (string program in new[] { "iptables-save", "ip6tables-save" })
        {
            lines.AddRange((await machine.RunAsync([program], cancel: Cancel)).Split('\n').Where(l => l.Contains("TM-", StringComparison.Ordinal)));
        }

        return string.Join('\n', lines);
    }

    private static async Task WorksAsync(ExitLab lab)
    {
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));
    }

    [Fact]
    public async Task Traffic_leaves_through_the_exit_peer_alone_and_the_kill_switch_holds_over_kill_9()
    {
        Requirements.Programs("iptables", "ip6tables", "iptables-save", "unshare");
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Switch, Cancel, wrapper: WithoutNft);
        NetworkNamespace client = lab.Client.Machine;
        Assert.Equal("", await client.RunAsync(["nft", "list", "tables", "inet"], cancel: Cancel));
        using (PacketCapture capture = PacketCapture.Start(client, "eth0", 14))
        {
            await WorksAsync(lab);
            Assert.False(await lab.LanHearsAsync(Cancel));
            // The exit peer itself is reached by its address in the mesh alone, by itself, too.
            Assert.False((await client.TryRunAsync(["ping", "-n", "-c", "1", "-W", "1", ExitLab.ExitSource], Cancel)).Succeeded);
            string exitIp = (await lab.Exit.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip").GetString()!;
            Assert.Equal("ok\n", (await lab.Exit.Machine.TryRunAsync(["curl", "-sk", "--noproxy", "*", "--max-time", "5", $"https://{exitIp}:9443/health"], Cancel)).Output);

            await lab.Client.KillAsync();
            Assert.Equal("", await lab.SourceAsync(ExitLab.Site, Cancel));
            Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
            Assert.False((await client.TryRunAsync(["curl", "-s", "--interface", "eth0", "--max-time", "2", $"http://{ExitLab.Site}/"], Cancel)).Succeeded);
            Assert.False((await client.TryRunAsync(["curl", "-s", "-g", "--interface", "eth0", "--max-time", "2", $"http://{Site6}/"], Cancel)).Succeeded);
            Assert.False(await lab.LanHearsAsync(Cancel));
            await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch, WithoutNft(lab.Client));
            Assert.Contains("The kill switch is in force already", lab.Client.Program!.Output, StringComparison.Ordinal);
            await WorksAsync(lab);
            // While it is taken over, the switch is not whole for a moment, of which docs/exit-peers.md tells; names are asked of nobody else at any time.
            Assert.DoesNotContain(ExitLab.Leaks(capture.Stop()), leak => leak.EndsWith(" port 53", StringComparison.Ordinal));
        }

        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        await ExitLab.NothingIsLeftAsync(client, "1", Cancel);
        Assert.Equal("", await ChainsAsync(client));
        Assert.Equal(client.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.NotEqual("", await ChainsAsync(lab.Exit.Machine));
        Assert.Equal(0, await lab.Exit.StopAsync(Cancel));
        Assert.Equal("", await ChainsAsync(lab.Exit.Machine));
        await ExitLab.NothingIsLeftAsync(lab.Exit.Machine, "0", Cancel);
    }

    [Fact]
    public async Task Without_the_kill_switch_name_servers_are_closed_while_the_peer_lives_and_open_within_about_a_minute_of_its_death()
    {
        Requirements.Programs("iptables", "ip6tables", "iptables-save", "unshare");
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Uses, Cancel, wrapper: WithoutNft);
        await WorksAsync(lab);
        Assert.False(await lab.LanHearsAsync(Cancel));
        // Longer than they are closed at a time.
        await Task.Delay(TimeSpan.FromSeconds(65), Cancel);
        Assert.False(await lab.LanHearsAsync(Cancel));
        await lab.Client.KillAsync();
        Assert.False(await lab.LanHearsAsync(Cancel));
        await lab.UntilNamesAreFoundAsync(Cancel);
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses, WithoutNft(lab.Client));
        await WorksAsync(lab);
        Assert.False(await lab.LanHearsAsync(Cancel));
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        Assert.Equal("", await ChainsAsync(lab.Client.Machine));
        Assert.True(await lab.LanHearsAsync(Cancel));
    }
}
