using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>The yardstick itself: if this fails, a failure against our engine says nothing about our engine.</summary>
public sealed class WireGuardGoTests
{
    [Fact]
    public async Task Two_of_them_talk_in_this_underlay()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace left = await underlay.AddMachineAsync(cancel);
        NetworkNamespace right = await underlay.AddMachineAsync(cancel);
        WireGuardKeys leftKeys = await WireGuardKeys.CreateAsync(cancel);
        WireGuardKeys rightKeys = await WireGuardKeys.CreateAsync(cancel);

        await using WireGuardGo first = await WireGuardGo.StartAsync(
            underlay,
            left,
            $"""
            [Interface]
            PrivateKey = {leftKeys.Private}
            ListenPort = 51820
            [Peer]
            PublicKey = {rightKeys.Public}
            AllowedIPs = 10.9.0.2/32
            """,
            ["10.9.0.1/24"],
            cancel);
        await using WireGuardGo second = await WireGuardGo.StartAsync(
            underlay,
            right,
            $"""
            [Interface]
            PrivateKey = {rightKeys.Private}
            [Peer]
            PublicKey = {leftKeys.Public}
            AllowedIPs = 10.9.0.1/32
            Endpoint = {left.Address}:51820
            """,
            ["10.9.0.2/24"],
            cancel);

        Assert.True(await right.ReachesAsync("10.9.0.1", 10, cancel), first.Output + second.Output);
    }
}
