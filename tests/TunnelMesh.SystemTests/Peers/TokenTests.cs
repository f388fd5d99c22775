using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>The tokens of a running mesh, changed by the commands of the coordinator without a restart.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TokenTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_token_admits_at_once_and_the_old_one_nobody_more_also_after_a_restart_that_names_it()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), stolen = await Peer.AddAsync(underlay, "stolen", Token, Cancel),
            other = await Peer.AddAsync(underlay, "other", Token, Cancel);
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await stolen.JoinAsync(Cancel, server);
        await other.JoinAsync(Cancel, server);
        Assert.Equal(1, (await other.AskAsync(Cancel, "token", "list")).ExitCode);
        Assert.Equal(1, (await other.AskAsync(Cancel, "token", "create")).ExitCode);

        // Made while the mesh runs: the token alone on standard output, and nowhere else.
        CommandResult made = await hub.AskAsync(Cancel, "token", "create", "--uses", "1", "--expires", "1h");
        string token = made.Output.Trim();
        Assert.Equal(64, token.Length);
        Assert.Contains("one device", made.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(token, made.Errors, StringComparison.Ordinal);
        await using Peer guest = await Peer.AddAsync(underlay, "guest", token, Cancel), second = await Peer.AddAsync(underlay, "second", token, Cancel);
        await guest.JoinAsync(Cancel, server);
        Assert.Equal(6, (await second.FailToJoinAsync(Cancel, server)).Code);

        JsonElement[] tokens = [.. (await hub.AskJsonAsync(Cancel, "token", "list", "--all")).EnumerateArray()];
        Assert.Equal(["valid", "used_up"], tokens.Select(t => t.GetProperty("state").GetString()));
        Assert.Equal([2, 1], tokens.Select(t => t.GetProperty("admitted").GetInt32()));
        Assert.Equal([true, false], tokens.Select(t => t.GetProperty("given").GetBoolean()));

        // A machine that was thrown out and knows only the token that was revoked does not come back.
        Assert.True((await hub.AskAsync(Cancel, "revoke", "stolen", "--yes")).Succeeded);
        Assert.Equal(6, await stolen.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        Assert.True((await stolen.AskAsync(Cancel, "leave", "--force")).Succeeded);
        CommandResult revoked = await hub.AskAsync(Cancel, "token", "revoke", tokens[0].GetProperty("id").ToString());
        Assert.Contains("take it out of TUNNELMESH_TOKEN", revoked.Output, StringComparison.Ordinal);
        Assert.Contains("No token is valid now", revoked.Output, StringComparison.Ordinal);
        Assert.Equal(6, (await stolen.FailToJoinAsync(Cancel, server)).Code);

        // Nor after a restart that still names it, and who is a member stays one.
        Assert.Equal(0, await hub.StopAsync(Cancel));
        string before = hub.Program!.Output;
        await hub.JoinAsync(Cancel);
        await hub.Program!.WaitForLineAsync("token=1 state=revoked", TimeSpan.FromSeconds(5), Cancel);
        Assert.Equal(6, (await stolen.FailToJoinAsync(Cancel, server)).Code);
        await hub.AskUntilAsync(status => status.GetProperty("peers_online").GetInt32() == 2, Cancel, "status");

        // One that nobody could see admits nobody.
        CommandResult unseen = await hub.Machine.TryRunAsync(["env", $"TUNNELMESH_HOME={hub.Home}", "sh", "-c", $"{Repository.Binary} token create > /dev/full"], Cancel);
        Assert.Equal(1, unseen.ExitCode);
        Assert.Contains("so it was revoked again", unseen.Errors, StringComparison.Ordinal);
        Assert.Equal("revoked", (await hub.AskJsonAsync(Cancel, "token", "list", "--all")).EnumerateArray().Last().GetProperty("state").GetString());

        CommandResult list = await hub.AskAsync(Cancel, "token", "list", "--all");
        foreach (string secret in new[] { Token, token })
        {
            Assert.DoesNotContain(secret, before + hub.Program.Output + list.Output + revoked.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_a_leaked_token_admitted_goes_with_it_and_its_file_goes_too()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", "", Cancel);
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443", file = Path.Combine(hub.Data, "mesh-token");
        string leaked = (await File.ReadAllTextAsync(file, Cancel)).Trim();
        string good = (await hub.AskJsonAsync(Cancel, "token", "create")).GetProperty("token").GetString()!;
        await using Peer stranger = await Peer.AddAsync(underlay, "stranger", leaked, Cancel), member = await Peer.AddAsync(underlay, "member", good, Cancel);
        await stranger.JoinAsync(Cancel, server);
        await member.JoinAsync(Cancel, server);

        CommandResult unasked = await hub.AskAsync(Cancel, "token", "revoke", "1", "--revoke-peers");
        Assert.Equal(2, unasked.ExitCode);
        Assert.Contains("--yes", unasked.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await hub.AskAsync(Cancel, "token", "revoke", "99")).ExitCode);
        JsonElement report = await hub.AskJsonAsync(Cancel, "token", "revoke", "1", "--revoke-peers", "--yes");
        Assert.Equal(["stranger"], report.GetProperty("devices").EnumerateArray().Select(d => d.GetString()));
        Assert.Equal(file, report.GetProperty("file_removed").GetString());
        Assert.False(File.Exists(file));
        Assert.Equal(1, report.GetProperty("valid_tokens").GetInt32());
        Assert.Equal(6, await stranger.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        await hub.AskUntilAsync(peers => peers.EnumerateArray().Select(p => p.GetProperty("name").GetString()).SequenceEqual(["member"]), Cancel, "peers");

        // Started anew without any token it neither makes one nor takes the old one back.
        Assert.Equal(0, await hub.StopAsync(Cancel));
        await hub.JoinAsync(Cancel);
        Assert.False(File.Exists(file));
        Assert.Equal(["revoked", "valid"], (await hub.AskJsonAsync(Cancel, "token", "list", "--all")).EnumerateArray().Select(t => t.GetProperty("state").GetString()));
    }
}
