using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Addresses that change under a session, and those who only pretend that they do.</summary>
public sealed class RoamingTests
{
    private static readonly NetAddress New = NetAddress.Parse("203.0.113.77"), Elsewhere = NetAddress.Parse("203.0.113.66");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Traffic_follows_a_device_that_changes_its_address_and_speaks(bool stock) => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock);
        string before = mesh.B.StatsOf(mesh.A).Endpoint!;
        mesh.A.Host.ChangeAddress(mesh.A.Host.Addresses[0], New);

        // Nothing tells B: it goes on sending to the old address.
        mesh.B.SendNumber(mesh.A, 1);
        mesh.Run(1);
        Assert.Empty(mesh.A.Numbers);
        Assert.Equal(before, mesh.B.StatsOf(mesh.A).Endpoint);

        mesh.A.SendNumber(mesh.B, 2);
        Assert.True(mesh.RunUntil(() => mesh.B.StatsOf(mesh.A).Endpoint == New.At(SimulatedPeer.Port).ToString(), 1) < 0.052);
        Assert.Equal([2], mesh.B.Numbers);
        mesh.B.SendNumber(mesh.A, 3);
        mesh.Run(1);
        Assert.Equal([3], mesh.A.Numbers);
    });

    [Fact]
    public void Under_loss_traffic_follows_too() => Seeds.Each(30, seed =>
    {
        var mesh = V4Only(seed, stock: false);
        mesh.A.Host.Link.Set(new LinkConditions { Loss = 0.3 });
        mesh.A.Host.ChangeAddress(mesh.A.Host.Addresses[0], New);
        mesh.Repeat(400, TimeSpan.FromMilliseconds(50), i => mesh.A.SendNumber(mesh.B, i));
        mesh.RunUntil(() => mesh.B.StatsOf(mesh.A).Endpoint == New.At(SimulatedPeer.Port).ToString(), 15);
    });

    [Fact]
    public void Mutated_and_random_datagrams_from_elsewhere_never_move_the_endpoint() => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock: false);
        List<byte[]> seen = [];
        mesh.Network.Sent += d => seen.Add(d.Bytes);
        mesh.Repeat(100, TimeSpan.FromMilliseconds(10), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(2);
        string before = mesh.B.StatsOf(mesh.A).Endpoint!;
        foreach (byte[] bytes in seen.ToArray())
        {
            byte[] forged = [.. bytes];
            forged[mesh.World.Chance.Next(forged.Length)] ^= (byte)(1 << mesh.World.Chance.Next(8));
            mesh.B.Inject(forged, Elsewhere.At(1));
            mesh.B.Inject(bytes, Elsewhere.At(1));
            Assert.Equal(before, mesh.B.StatsOf(mesh.A).Endpoint);
        }

        mesh.Run(2);
        Assert.Equal(before, mesh.B.StatsOf(mesh.A).Endpoint);
        Assert.Equal(100, mesh.A.Pongs.Count);
    });

    [Fact]
    public void A_relay_that_forwards_fresh_packets_from_its_own_address_keeps_them_for_a_round_trip_at_most() => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock: false);
        string before = mesh.B.StatsOf(mesh.A).Endpoint!;

        // Somebody on the way takes one authentic packet and sends it on from elsewhere; the rest goes its way.
        bool taken = false;
        mesh.Network.Censor = d =>
        {
            if (taken || d.Destination.IPv4 != mesh.B.Host.Addresses[0].At(1).IPv4)
            {
                return false;
            }

            taken = true;
            byte[] copy = d.Bytes;
            mesh.World.After(TimeSpan.FromMilliseconds(1), () => mesh.B.Inject(copy, Elsewhere.At(1)));
            return true;
        };
        mesh.Repeat(40, TimeSpan.FromMilliseconds(50), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(3);
        Assert.True(taken);
        Assert.Equal(before, mesh.B.StatsOf(mesh.A).Endpoint);

        // The forwarded one is the only one whose answer may have gone astray; nobody forwarded what B sent elsewhere.
        Assert.InRange(mesh.A.Pongs.Count, 39, 40);
    });

    [Fact]
    public void Both_may_change_their_addresses_when_one_of_them_has_the_other_in_its_map() => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock: false);
        mesh.A.Host.ChangeAddress(mesh.A.Host.Addresses[0], New);
        mesh.B.Host.ChangeAddress(mesh.B.Host.Addresses[0], Elsewhere);
        mesh.A.SetPeers(mesh.B.Spec);
        mesh.Repeat(300, TimeSpan.FromMilliseconds(100), i => mesh.A.Ping(mesh.B, i));
        double took = mesh.RunUntil(() => mesh.A.Pongs.Count > 0, 30);
        Assert.True(took < 16, $"{took} s");
    });

    [Fact]
    public void Replayed_datagrams_are_dropped_counted_and_have_no_effect() => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock: false);
        List<Datagram> seen = [];
        mesh.Network.Sent += seen.Add;
        mesh.Repeat(100, TimeSpan.FromMilliseconds(10), i => mesh.A.SendNumber(mesh.B, i));
        mesh.Run(2);
        Datagram[] toB = [.. seen.Where(d => NetAddress.Of(d.Destination) == mesh.B.Host.Addresses[0])];
        Assert.True(toB.Length >= 100);
        foreach (Datagram datagram in toB)
        {
            mesh.B.Inject(datagram.Bytes, datagram.Source);
        }

        mesh.Run(1);
        Assert.Equal(100, mesh.B.Numbers.Count);
        Assert.Equal(toB.Length, mesh.B.Engine.Counters[DropReason.Replayed]);
        Assert.Equal(toB.Length, mesh.B.Drops);
    });

    [Fact]
    public void A_replayed_handshake_after_a_restart_moves_nothing() => Seeds.Each(20, seed =>
    {
        var mesh = V4Only(seed, stock: false, out List<Datagram> seen);
        mesh.B.Restart();
        mesh.B.Ping(mesh.A, 4);
        mesh.Run(1);
        Assert.Equal([4], mesh.B.Pongs);
        string before = mesh.B.StatsOf(mesh.A).Endpoint!;
        foreach (Datagram datagram in seen.Where(d => NetAddress.Of(d.Destination) == mesh.B.Host.Addresses[0]).ToArray())
        {
            mesh.B.Inject(datagram.Bytes, Elsewhere.At(9));
        }

        mesh.Run(1);
        Assert.Equal(before, mesh.B.StatsOf(mesh.A).Endpoint);
        mesh.A.Ping(mesh.B, 5);
        mesh.Run(1);
        Assert.Equal([5], mesh.A.Pongs);

        // B has forgotten how far A's clock was, so it answers once, and nobody can use that session.
        Assert.Equal(1, mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded]);
    });

    private static SimulatedMesh V4Only(int seed, bool stock) => V4Only(seed, stock, out _);

    private static SimulatedMesh V4Only(int seed, bool stock, out List<Datagram> seen)
    {
        var mesh = new SimulatedMesh(seed);
        PeerSpec a = mesh.A.Spec, b = mesh.B.Spec;
        mesh.A.SetPeers(b with { Candidates = [b.Candidates[0]], Stock = stock });
        mesh.B.SetPeers(a with { Candidates = [a.Candidates[0]], Stock = stock });
        List<Datagram> list = seen = [];
        mesh.Network.Sent += list.Add;
        mesh.Connect();
        mesh.Run(2);
        return mesh;
    }
}
