using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>Other programs that change rules and forwarding on an exit peer, and on one that uses it.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ForeignHandsTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Well before anything is looked at just because time has passed.
    private static async Task RulesAreBackAsync(ExitLab lab, string rule)
    {
        long start = Stopwatch.GetTimestamp();
        while (!(await lab.Exit.Machine.RunAsync(["nft", "list", "ruleset"], cancel: Cancel)).Contains(rule, StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(3), "the rules do not come back" + lab.Exit.Program!.Output);
        }
    }

    [Fact]
    public async Task Rules_that_are_emptied_come_back_at_once_and_meanwhile_the_exit_itself_is_not_reached()
    {
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Uses, Cancel);
        await using (RunningProgram flood = lab.Exit.Machine.Start(["sh", "-c", "for i in $(seq 150); do nft flush ruleset; done; echo over"]))
        {
            Assert.Equal(0, await lab.Client.Machine.CountRepliesAsync(ExitLab.ExitSource, 20, Cancel));
            await flood.WaitForLineAsync("over", TimeSpan.FromSeconds(30), Cancel);
        }

        await RulesAreBackAsync(lab, "masquerade");
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Site, Cancel));
        // One chain of it is as much.
        await lab.Exit.Machine.RunAsync(["nft", "flush", "chain", "inet", "tunnelmesh_tun_mesh0", "forward"], cancel: Cancel);
        await RulesAreBackAsync(lab, "ct status dnat");
        // The mesh's interface on the other side takes the routes into the exit along, and they come back with it.
        await lab.Client.Machine.IpAsync("link set tun-mesh0 down", Cancel);
        long start = Stopwatch.GetTimestamp();
        while (await lab.SourceAsync(ExitLab.Site, Cancel) != ExitLab.ExitSource || await lab.SourceAsync($"[{ExitLab.Site6}]", Cancel) != ExitLab.ExitSource6)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), "traffic does not leave through the exit peer again" + lab.Client.Program!.Output);
        }

        Assert.Single(lab.Exit.Program!.Output.Split('\n'), l => l.Contains("has taken away rules for exit traffic", StringComparison.Ordinal));
        Assert.True((await lab.Exit.AskJsonAsync(Cancel, "status")).GetProperty("dataplane").GetProperty("drops").GetProperty("bad_destination").GetInt64() >= 20);
    }

    [Theory]
    [InlineData(ExitLab.Uses, 1)]
    [InlineData(ExitLab.Switch, 0.25)]
    public async Task Rules_that_are_emptied_without_end_are_put_back_so_often_and_no_more_and_soon_after_the_last_time(string client, double pause)
    {
        await using ExitLab lab = await ExitLab.StartAsync(Token, client, Cancel);
        NetworkNamespace machine = lab.Client.Machine;
        long start = Stopwatch.GetTimestamp();
        await using (RunningProgram flood = machine.Start(["sh", "-c", "nft flush ruleset; until [ -e \"$0\" ]; do nft flush ruleset; done; echo over", Path.Combine(lab.Client.Folder, "enough")]))
        {
            await lab.Client.AskUntilAsync(s => s.GetProperty("exit").GetProperty("problem").GetString()?.Contains("again and again", StringComparison.Ordinal) ?? false, Cancel, "status");
            await Task.Delay(TimeSpan.FromSeconds(3), Cancel);
            await File.WriteAllTextAsync(Path.Combine(lab.Client.Folder, "enough"), "", Cancel);
            await flood.WaitForLineAsync("over", TimeSpan.FromSeconds(5), Cancel);
        }

        long end = Stopwatch.GetTimestamp();
        while (!(await machine.RunAsync(["nft", "list", "ruleset"], cancel: Cancel)).Contains("tunnelmesh_tun_mesh0", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(end) < TimeSpan.FromSeconds(pause + 3), lab.Client.Program!.Output);
        }

        Assert.False(await lab.LanHearsAsync(Cancel));
        Assert.InRange((await lab.Client.AskJsonAsync(Cancel, "status")).GetProperty("exit").GetProperty("rules_restored").GetInt32(), 5, 6 + (int)(Stopwatch.GetElapsedTime(start).TotalSeconds / pause));
        Assert.Contains("its rules again", (await lab.Client.AskAsync(Cancel, "status")).Output, StringComparison.Ordinal);
        Assert.Single(lab.Client.Program!.Output.Split('\n'), l => l.Contains("has taken away rules for exit traffic", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Forwarding_that_somebody_turns_off_is_told_and_it_stays_on_for_who_came_to_need_it()
    {
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Uses, Cancel);
        NetworkNamespace exit = lab.Exit.Machine;
        await exit.RunAsync(["sysctl", "-qw", "net.ipv4.ip_forward=0"], cancel: Cancel);
        await lab.Exit.AskUntilAsync(s => s.GetProperty("exit").GetProperty("problem").GetString()?.Contains("sysctl -w net.ipv4.ip_forward=1", StringComparison.Ordinal) ?? false, Cancel, "status");
        await exit.RunAsync(["sysctl", "-qw", "net.ipv4.ip_forward=1"], cancel: Cancel);
        await lab.Exit.AskUntilAsync(s => s.GetProperty("exit").GetProperty("problem").GetString() is null, Cancel, "status");

        await exit.IpAsync("link add docker0 type bridge", Cancel);
        Assert.Equal(0, await lab.Exit.StopAsync(Cancel));
        Assert.Contains("docker0", await lab.Exit.Program!.WaitForLineAsync("forwarding stays on", TimeSpan.FromSeconds(5), Cancel), StringComparison.Ordinal);
        Assert.Equal("1", await exit.RunAsync(["cat", "/proc/sys/net/ipv4/ip_forward"], cancel: Cancel));
        Assert.Equal("", await exit.RunAsync(["nft", "list", "tables"], cancel: Cancel));
        Assert.Empty(Directory.GetFiles(lab.Exit.Folder, "exit.json*", SearchOption.AllDirectories));
    }
}
