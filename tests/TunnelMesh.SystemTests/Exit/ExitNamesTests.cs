using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>Name servers of the LAN are told nothing, by whatever way somebody asks.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExitNamesTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("\nexit_lan_access: true")]
    public async Task A_program_that_is_bound_to_a_link_asks_no_server_of_it_while_traffic_leaves_through_the_exit_peer(string more)
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        Assert.True(await lab.LanHearsAsync(Cancel));
        await lab.Hub.JoinAsync(Cancel);
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses + "\nexit_offline: direct" + more);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        Assert.False(await lab.LanHearsAsync(Cancel));
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        // Somebody else empties all rules.
        await lab.Client.Machine.RunAsync(["nft", "flush", "ruleset"], cancel: Cancel);
        await lab.Client.Program!.WaitForLineAsync("has taken away rules for exit traffic", TimeSpan.FromSeconds(3), Cancel);
        Assert.False(await lab.LanHearsAsync(Cancel));

        await lab.Exit.KillAsync();
        await ExitLab.UntilAsync(lab.Client, "offline", "direct", Cancel);
        Assert.True(await lab.LanHearsAsync(Cancel));
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        await ExitLab.NothingIsLeftAsync(lab.Client.Machine, "1", Cancel);
        Assert.True(await lab.LanHearsAsync(Cancel));
    }

    [Fact]
    public async Task Where_a_program_for_rules_is_there_and_they_are_refused_nobody_but_the_peer_is_named_to_the_system()
    {
        Requirements.Programs("unshare");
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        await lab.Hub.JoinAsync(Cancel);
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        string lan = $"\nnameserver {lab.Gateway.Address}\n";
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses);
        Assert.Contains(lan, lab.ClientResolver.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("tunnelmesh.", await lab.Client.Machine.RunAsync(["nft", "list", "tables"], cancel: Cancel), StringComparison.Ordinal);
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));

        // An nft that the kernel listens to no more than to one without the right to change rules.
        string refused = Path.Combine(lab.Client.Folder, "refused");
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses, ["unshare", "--mount", "sh", "-c",
            $"mkdir -p {refused} && printf '#!/bin/sh\\necho not permitted >&2\\nexit 1\\n' > {refused}/nft && chmod 755 {refused}/nft && mount --bind {refused}/nft /usr/sbin/nft && exec \"$0\" \"$@\""]);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        // What else is amiss is told first, before the rules have been tried.
        await lab.Client.AskUntilAsync(
            status => status.GetProperty("exit").GetProperty("problem").GetString()?.Contains("not permitted", StringComparison.Ordinal) == true, Cancel, "status");
        Assert.DoesNotContain(lan, lab.ClientResolver.Text, StringComparison.Ordinal);
        Assert.Contains($"# nameserver {lab.Gateway.Address}\n", lab.ClientResolver.Text, StringComparison.Ordinal);
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        Assert.DoesNotContain("127.0.0.53", lab.ClientResolver.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_context_that_answers_the_systems_names_asks_for_them_where_the_exit_is()
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        await using Peer blue = await Peer.AddAsync(lab.Underlay, "blue", Token, Cancel), work = lab.Client.Beside("work", Token);
        await lab.Hub.JoinAsync(Cancel);
        await blue.JoinAsync(Cancel, coordinator: "mesh_cidr: 10.43.0.0/16");
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        await work.JoinAsync(Cancel, $"{blue.Machine.Address}:8443");
        string own = await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        Assert.True((await lab.Client.AskAsync(Cancel, "context", "use", "work")).Succeeded);
        Assert.NotNull((await lab.Client.AskJsonAsync(Cancel, "status")).GetProperty("dns").GetProperty("system").GetString());

        await work.AskUntilAsync(s => s.GetProperty("dns").GetProperty("servers").EnumerateArray().Select(e => e.GetString()).SequenceEqual([$"{own}:53"]), Cancel, "status");
        int asked = lab.LanNames.Asked;
        long start = Stopwatch.GetTimestamp();
        while (await lab.SourceAsync(ExitLab.Name, Cancel) != ExitLab.ExitSource)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, work.Program!.Output + lab.Client.Program!.Output);
        }

        Assert.Equal(asked, lab.LanNames.Asked);
        // With the end of the exit the other context asks whom it asked before.
        Assert.Equal(0, await lab.Client.StopAsync(Cancel));
        start = Stopwatch.GetTimestamp();
        while (await lab.SourceAsync(ExitLab.Name, Cancel) != lab.Client.Machine.Address)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, work.Program!.Output);
        }

        Assert.True(lab.LanNames.Asked > asked);
    }
}
