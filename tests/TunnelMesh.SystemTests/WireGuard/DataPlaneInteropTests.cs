using System.Net;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>Our whole data plane against wireguard-go: real TUN devices on both sides.</summary>
public sealed class DataPlaneInteropTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Both_families_inside_and_outside_in_both_roles(bool overIPv6, bool theyBegin)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TunnelPair pair = await TunnelPair.StartAsync(overIPv6, theyBegin, 200, cancel);
        string[] targets = theyBegin ? ["10.9.0.2", "fd09::2"] : ["10.9.0.1", "fd09::1"];
        NetworkNamespace from = theyBegin ? pair.Theirs : pair.Ours;
        Assert.True(await from.ReachesAsync(targets[0], 10, cancel), pair.Describe());
        Assert.Equal(20, await from.CountRepliesAsync(targets[0], 20, cancel));
        Assert.Equal(20, await from.CountRepliesAsync(targets[1], 20, cancel));

        // The largest packet of the interface, in both families.
        Assert.Equal(5, await from.CountRepliesAsync(targets[0], 5, cancel, 1420 - 28));
        Assert.Equal(5, await from.CountRepliesAsync(targets[1], 5, cancel, 1420 - 48));
        Assert.Equal(theyBegin ? 1 : 0, pair.Device.Plane.HandshakeCounters[HandshakeResult.Responded]);
        Assert.Equal(theyBegin ? 0 : 1, pair.Device.Plane.HandshakeCounters[HandshakeResult.SessionEstablished]);
        Assert.Equal("udp", pair.Device.Stats.Path);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_moves_to_another_address_is_followed(bool theyMove)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TunnelPair pair = await TunnelPair.StartAsync(overIPv6: false, theyBegin: false, 200, cancel);
        Assert.True(await pair.Ours.ReachesAsync("10.9.0.1", 10, cancel), pair.Describe());
        NetworkNamespace moved = theyMove ? pair.Theirs : pair.Ours;
        await moved.IpAsync("address add 198.51.100.77/24 dev eth0", cancel);
        await moved.IpAsync($"address delete {moved.Address}/24 dev eth0", cancel);
        // Deleting the first address of a subnet takes the second with it.
        await moved.IpAsync("address replace 198.51.100.77/24 dev eth0", cancel);

        // The one that moved speaks first: roaming needs an authenticated packet from the new address.
        Assert.True(await moved.ReachesAsync(theyMove ? "10.9.0.2" : "10.9.0.1", 10, cancel), pair.Describe());
        NetworkNamespace other = theyMove ? pair.Ours : pair.Theirs;
        Assert.Equal(5, await other.CountRepliesAsync(theyMove ? "10.9.0.1" : "10.9.0.2", 5, cancel));
        if (theyMove)
        {
            Assert.StartsWith("198.51.100.77:", pair.Device.Stats.Endpoint, StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains("198.51.100.77:", await pair.Remote.ShowAsync("endpoints", cancel), StringComparison.Ordinal);
        }

        Assert.Equal(1, pair.Device.Plane.HandshakeCounters[HandshakeResult.SessionEstablished]);
    }

    [Fact]
    public async Task Under_load_it_has_to_prove_its_address_by_a_cookie_and_then_gets_in()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TunnelPair pair = await TunnelPair.StartAsync(overIPv6: true, theyBegin: true, handshakesBeforeCookies: 0, cancel);
        Assert.True(await pair.Theirs.ReachesAsync("10.9.0.2", 15, cancel), pair.Describe());
        WireGuardCounters handshakes = pair.Device.Plane.HandshakeCounters;
        Assert.True(handshakes[HandshakeResult.CookieSent] >= 1, pair.Describe());
        Assert.Equal(1, handshakes[HandshakeResult.Responded]);
    }

    [Fact]
    public async Task When_they_are_under_load_we_answer_their_cookie_and_get_in()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TunnelPair pair = await TunnelPair.StartAsync(overIPv6: false, theyBegin: false, 200, cancel);
        NetworkNamespace stranger = await pair.Underlay.AddMachineAsync(cancel);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task flood = HandshakeFlood.RunAsync(stranger, new IPEndPoint(IPAddress.Parse(pair.Theirs.Address), 51820), pair.TheirKeys, over.Token);
        await pair.Remote.WaitForLineAsync("Sending cookie response", cancel);

        // The first handshake is denied, and after five seconds ping hears that the host is unreachable; the next carries the cookie.
        bool reached = await pair.Ours.ReachesAsync("10.9.0.1", 10, cancel) || await pair.Ours.ReachesAsync("10.9.0.1", 10, cancel);
        await over.CancelAsync();
        await flood;
        Assert.True(reached, pair.Describe());
        Assert.True(pair.Device.Plane.HandshakeCounters[HandshakeResult.CookieStored] >= 1, pair.Describe());
    }
}
