using System.Net;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class MapPeersTests
{
    private static readonly IPEndPoint Own = IPEndPoint.Parse("192.168.1.5:2223");
    private static readonly PathTransport[] All = [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay];

    private static NetworkMap Map(params MapDevice[] devices) => NetworkMap.FromFull(
        NetworkMapTests.Full(devices), new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch).Map;

    [Fact]
    public void The_own_device_is_no_peer_and_own_or_mesh_addresses_are_no_candidates()
    {
        MapDevice self = NetworkMapTests.Device("self", 1);
        MapDevice other = NetworkMapTests.Device("other", 2) with
        {
            Endpoints = ["192.168.1.5:2223", "192.168.1.5:2224", "10.42.0.9:2223", "[fd12:3456:789a::a2a:9]:2223", "198.51.100.2:2223", "198.51.100.2:2223"],
        };
        PeerSpec peer = Assert.Single(MapPeers.Build(Map(self, other), self.Id, [Own], [IPAddress.Parse("203.0.113.1")], All));
        Assert.Equal(other.Id, peer.DeviceId);
        Assert.Equal(other.DeviceKey, peer.PublicKey);
        Assert.Equal(["10.42.0.2/32"], peer.AllowedPrefixes.Select(p => p.ToString()));
        // The same address with another port may be a second program here; the address dialled is a coordinator's only.
        Assert.Equal(["192.168.1.5:2224", "198.51.100.2:2223"], peer.Candidates.Select(c => c.ToString()));
    }

    [Fact]
    public void The_address_at_which_the_coordinator_answered_is_its_first_candidate()
    {
        MapDevice hub = NetworkMapTests.Device("hub", 1) with { Coordinator = true, Endpoints = ["10.0.0.1:4444"] };
        MapDevice silent = NetworkMapTests.Device("silent", 2) with { Coordinator = true };
        Dictionary<string, PeerSpec> peers = MapPeers.Build(Map(hub, silent), "", [], [IPAddress.Parse("203.0.113.1")], All).ToDictionary(p => p.DeviceId);
        Assert.Equal(["203.0.113.1:4444", "10.0.0.1:4444"], peers[hub.Id].Candidates.Select(c => c.ToString()));
        Assert.Empty(peers[silent.Id].Candidates);
    }

    [Fact]
    public void Only_transports_of_both_are_used_in_the_own_order()
    {
        MapDevice older = NetworkMapTests.Device("older", 2), some = NetworkMapTests.Device("some", 3) with { Transports = ["relay", "udp", "pigeon"] };
        Dictionary<string, PeerSpec> peers = MapPeers.Build(Map(older, some), "", [], [], All).ToDictionary(p => p.DeviceId);
        Assert.Equal(All, peers[older.Id].Transports);
        Assert.Equal([PathTransport.Udp, PathTransport.Relay], peers[some.Id].Transports);
    }

    [Fact]
    public void A_list_without_end_is_cut()
    {
        MapDevice other = NetworkMapTests.Device("other", 2) with { Endpoints = [.. Enumerable.Range(1, 200).Select(i => $"198.51.100.{i}:1")] };
        Assert.Equal(MapPeers.MaxCandidates, Assert.Single(MapPeers.Build(Map(other), "", [], [], All)).Candidates.Count);
    }
}
