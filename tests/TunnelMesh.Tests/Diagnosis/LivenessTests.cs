using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Diagnosis;

namespace TunnelMesh.Tests.Diagnosis;

public sealed class LivenessTests
{
    private static readonly PathStats Path = new()
    {
        Transport = "udp",
        Endpoint = "8.8.4.4:2223",
        InUse = true,
        Offered = true,
        Open = true,
        State = "proven",
        Loss = 0,
        Mtu = 1400,
        Probes = 5,
        Echoes = 5,
        HeardMsAgo = 60_000,
    };

    private static PeerStats Stats(params PathStats[] paths) => new() { DeviceId = "d", Path = "udp", Endpoint = "8.8.4.4:2223", RttMs = 3, RxBytes = 9, Paths = paths };

    [Fact]
    public void A_tunnel_whose_path_is_dead_is_shown_without_one()
    {
        Assert.Null(Liveness.Shown(null, online: true));
        Expect(dead: false, Path, online: true);
        Expect(dead: true, Path, online: false);
        Expect(dead: false, Path with { HeardMsAgo = 300 }, online: false);
        Expect(dead: true, Path with { HeardMsAgo = null, State = "untried" }, online: false);
        Expect(dead: false, Path with { HeardMsAgo = null, State = "untried" }, online: true);
        Expect(dead: true, Path with { State = "doubted" }, online: true);
        Expect(dead: true, Path with { Open = false }, online: true);
        Expect(dead: true, Path with { InUse = false }, online: true);
        PeerStats asleep = Liveness.Shown(Stats(Path) with { Path = "none" }, online: true)!;
        Assert.Null(asleep.Endpoint);
        Assert.Null(asleep.RttMs);
    }

    [Fact]
    public void Without_a_network_or_over_a_closed_relay_nothing_carries()
    {
        PeerStats udp = Stats(Path with { HeardMsAgo = 10 }), relay = Stats(Path with { Transport = "relay", Endpoint = null, HeardMsAgo = 10 }) with { Path = "relay" }, local = Stats(Path with { Endpoint = "127.0.0.1:2223" });
        Assert.Equal("none", Liveness.Shown(udp, online: true, hasNetwork: false)!.Path);
        Assert.Equal("udp", Liveness.Shown(local, online: true, hasNetwork: false)!.Path);
        Assert.Equal("none", Liveness.Shown(relay, online: true, relayOpen: false)!.Path);
        Assert.Equal("udp", Liveness.Shown(udp, online: true, relayOpen: false)!.Path);
    }

    [Fact]
    public void UDP_works_only_where_a_public_address_is_heard_lately()
    {
        Assert.True(Liveness.IsUdpHeard([Stats(), Stats(Path with { HeardMsAgo = 100 })]));
        Assert.False(Liveness.IsUdpHeard([]));
        Assert.False(Liveness.IsUdpHeard([Stats(Path)]));
        Assert.False(Liveness.IsUdpHeard([Stats(Path with { HeardMsAgo = null })]));
        Assert.False(Liveness.IsUdpHeard([Stats(Path with { HeardMsAgo = 100, Endpoint = "192.168.1.9:2223" })]));
        Assert.False(Liveness.IsUdpHeard([Stats(Path with { HeardMsAgo = 100, State = "doubted" })]));
        Assert.False(Liveness.IsUdpHeard([Stats(Path with { HeardMsAgo = 100, Transport = "relay", Endpoint = null })]));
    }

    private static void Expect(bool dead, PathStats path, bool online)
    {
        PeerStats before = Stats(path), shown = Liveness.Shown(before, online)!;
        Assert.Equal(dead ? before with { Path = "none", Endpoint = null, RttMs = null } : before, shown);
    }
}
