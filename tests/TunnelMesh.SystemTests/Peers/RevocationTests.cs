using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>Devices and users thrown out of a running mesh by the command of the coordinator.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RevocationTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task A_revoked_device_ends_at_once_is_gone_for_the_others_and_never_admitted_again()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        string addressOfA = await a.JoinAsync(Cancel, server);
        string addressOfB = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(addressOfB, 5, Cancel));

        // Only a coordinator can, it never throws itself out, and it does not go ahead without being asked to.
        Assert.Equal(1, (await a.AskAsync(Cancel, "revoke", "b", "--yes")).ExitCode);
        Assert.Contains("called `hub`", (await hub.AskAsync(Cancel, "revoke", "hub", "--yes")).Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await hub.AskAsync(Cancel, "revoke", "nobody", "--yes")).ExitCode);
        CommandResult unasked = await hub.AskAsync(Cancel, "revoke", "a");
        Assert.Equal(2, unasked.ExitCode);
        Assert.Contains("--yes", unasked.Errors, StringComparison.Ordinal);

        long before = Stopwatch.GetTimestamp();
        Assert.Equal("a", (await hub.AskJsonAsync(Cancel, "revoke", "a", "--yes")).GetProperty("devices")[0].GetString());
        Assert.Equal(6, await a.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        Assert.True(Stopwatch.GetElapsedTime(before) < TimeSpan.FromSeconds(3));
        Assert.Contains("revoked", await a.Program.WaitForLineAsync("tunnelmesh: ", TimeSpan.FromSeconds(5), Cancel), StringComparison.Ordinal);
        Assert.False((await a.Machine.TryRunAsync(["ip", "link", "show", "tun-mesh0"], Cancel)).Succeeded);

        await b.AskUntilAsync(peers => peers.EnumerateArray().All(p => p.GetProperty("name").GetString() != "a"), Cancel, "peers");
        Assert.False(await b.Machine.ReachesAsync(addressOfA, 1, Cancel));
        Assert.True(await b.Machine.ReachesAsync("10.42.0.1", 5, Cancel));

        // It has its map, and is not called connected before the coordinator has spoken.
        for (int i = 0; i < 5; i++)
        {
            (int code, string output) = await a.FailToJoinAsync(Cancel, server);
            Assert.Equal(6, code);
            Assert.Contains("revoked", output, StringComparison.Ordinal);
            Assert.DoesNotContain("Connected to mesh", output, StringComparison.Ordinal);
        }

        // The machine, not its user, was thrown out: forgotten here, it may come again as a new device.
        Assert.True((await a.AskAsync(Cancel, "leave", "--force")).Succeeded);
        await a.JoinAsync(Cancel, server);

        // What has left can be kept out as well, by its ID.
        string id = (await b.AskJsonAsync(Cancel, "status")).GetProperty("device_id").GetString()!;
        string contexts = Path.Combine(b.Home, "contexts"), kept = Path.Combine(b.Home, "kept");
        Assert.True((await b.Machine.TryRunAsync(["cp", "-a", contexts, kept], Cancel)).Succeeded);
        Assert.True((await b.AskAsync(Cancel, "leave")).Succeeded);
        await hub.AskUntilAsync(peers => peers.EnumerateArray().All(p => p.GetProperty("name").GetString() != "b"), Cancel, "peers");
        Assert.Equal(id, (await hub.AskJsonAsync(Cancel, "revoke", id, "--yes")).GetProperty("devices")[0].GetString());
        Assert.True((await b.Machine.TryRunAsync(["cp", "-a", kept + "/.", contexts], Cancel)).Succeeded);
        Assert.Equal(6, (await b.FailToJoinAsync(Cancel, server)).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_revoked_device_that_does_not_hear_of_it_is_cut_off_by_the_others_within_seconds(bool wholeUser)
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        string addressOfA = await a.JoinAsync(Cancel, server), addressOfB = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(addressOfB, 5, Cancel));
        await a.AskUntilAsync(peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == "b" && p.GetProperty("path").GetString() == "udp"), Cancel, "peers");

        // As a thief would: no word of the coordinator arrives, and the tunnel that stands is used on.
        await a.Machine.RunAsync(["nft", "-f", "-"], $"table inet deaf {{ chain input {{ type filter hook input priority 0; ip saddr {hub.Machine.Address} drop; ip6 saddr {hub.Machine.Address6} drop; }}; }}", Cancel);
        Assert.True(await a.Machine.ReachesAsync(addressOfB, 1, Cancel));
        long dropped = await DropsAsync(b), before = Stopwatch.GetTimestamp();
        Assert.Equal("a", (await hub.AskJsonAsync(Cancel, wholeUser ? ["revoke", "--user", "a", "--yes"] : ["revoke", "a", "--yes"])).GetProperty("devices")[0].GetString());
        await b.AskUntilAsync(peers => peers.EnumerateArray().All(p => p.GetProperty("name").GetString() != "a"), Cancel, "peers");
        Assert.True(Stopwatch.GetElapsedTime(before) < TimeSpan.FromSeconds(3));

        Assert.False(await a.Machine.ReachesAsync(addressOfB, 2, Cancel));
        Assert.False(await b.Machine.ReachesAsync(addressOfA, 1, Cancel));
        Assert.True(await b.Machine.ReachesAsync("10.42.0.1", 5, Cancel));
        Assert.True(await DropsAsync(b) > dropped);
        Assert.Contains(a.Program!.Output.Split('\n'), line => line.Contains("Connected to mesh as a", StringComparison.Ordinal));
        Assert.True((await a.AskAsync(Cancel, "status")).Succeeded);
    }

    // What came for no session of this peer.
    private static async Task<long> DropsAsync(Peer peer) =>
        (await peer.AskJsonAsync(Cancel, "status")).GetProperty("dataplane").GetProperty("drops").GetProperty("no_session").GetInt64();

    [Fact]
    public async Task A_revoked_user_goes_with_all_devices_and_the_identity_never_comes_back()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b"), c = await AddAsync(underlay, "c");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        foreach (Peer same in new[] { b, c })
        {
            Directory.CreateDirectory(same.Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Copy(Path.Combine(a.Home, "id_ed25519"), Path.Combine(same.Home, "id_ed25519"));
        }
        await b.JoinAsync(Cancel, server);

        JsonElement revoked = await hub.AskJsonAsync(Cancel, "revoke", "--user", "b", "--yes");
        Assert.Equal(["a", "b"], revoked.GetProperty("devices").EnumerateArray().Select(d => d.GetString()));
        Assert.Equal(6, await a.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        Assert.Equal(6, await b.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        (int code, string output) = await c.FailToJoinAsync(Cancel, server);
        Assert.Equal(6, code);
        Assert.Contains("revoked", output, StringComparison.Ordinal);
        Assert.Equal(0, (await hub.AskJsonAsync(Cancel, "status")).GetProperty("peers_total").GetInt32());
    }
}
