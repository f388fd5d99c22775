using System.Security.Cryptography;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.DataPlane;

public sealed class TunnelMembersTests
{
    [Fact]
    public void Another_order_of_transports_is_news_for_the_lane_also_when_it_offers_no_other_way()
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        using LocalStatic local = new(key);
        TunnelMembers members = new(new WireGuardDevice(local, TimeProvider.System, RandomNumberGenerator.Fill, null), TimeProvider.System, 1400);
        using LocalStatic other = new(RandomNumberGenerator.GetBytes(32));
        // No UDP candidate: what is offered stays the same in either order, but the peer may have shown a UDP address itself.
        PeerSpec spec = new() { DeviceId = new string('a', 32), PublicKey = other.PublicKey.ToArray(), Transports = [PathTransport.Udp, PathTransport.Relay] };
        members.Replace([spec]);
        PeerTunnel tunnel = members.Find(spec.DeviceId)!;
        tunnel.TakeOffers(new NoOutput(), 0);
        int changes = members.Changes;
        members.Replace([spec with { Transports = [PathTransport.Udp, PathTransport.Relay] }]);
        Assert.Equal((changes, false), (members.Changes, tunnel.HasNewOffers));
        members.Replace([spec with { Transports = [PathTransport.Relay, PathTransport.Udp] }]);
        Assert.Equal((changes + 1, true), (members.Changes, tunnel.HasNewOffers));
    }

    private sealed class NoOutput : ITunnelOutput
    {
        public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination) => false;

        public bool WritePacket(ReadOnlySpan<byte> packet) => false;
    }
}
