using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>What a device costs that knows a hundred others and has nothing to say to them.</summary>
public sealed class IdleTests
{
    private const int Known = 100;
    private static readonly TimeSpan Silent = TimeSpan.FromMinutes(2), Watched = TimeSpan.FromMinutes(10);

    /// <summary>What happens meanwhile.</summary>
    public enum Meanwhile
    {
        Nothing,
        OnePeerIsActive,
        TheMapIsSentAnew,
        TheNetworkChanges,
    }

    [Theory]
    [InlineData(Meanwhile.Nothing)]
    [InlineData(Meanwhile.OnePeerIsActive)]
    [InlineData(Meanwhile.TheMapIsSentAnew)]
    [InlineData(Meanwhile.TheNetworkChanges)]
    public void A_peer_that_was_silent_for_two_minutes_is_sent_nothing_however_many_there_are(Meanwhile meanwhile) => Seeds.Each(2, seed =>
    {
        var world = new VirtualWorld(seed);
        var network = new VirtualNetwork(world);
        var relay = new SimulatedRelay(world, TimeSpan.FromMilliseconds(30));
        SimulatedPeer[] all = [.. Enumerable.Range(1, Known + 1).Select(n => new SimulatedPeer(new Host(network, $"198.51.100.{n}", $"2001:db8::{n:x}"), n))];
        (SimulatedPeer self, SimulatedPeer[] others) = (all[0], all[1..]);
        foreach (SimulatedPeer peer in all)
        {
            relay.Connect(peer);
            peer.SetPeers([.. (peer == self ? others : [self]).Select(p => p.Spec)]);
        }

        // Every other one is only known; the rest is talked to, whichever side begins.
        SimulatedPeer[] talkedTo = [.. others.Where(p => p.Number % 2 == 0)];
        foreach (SimulatedPeer peer in talkedTo)
        {
            (SimulatedPeer from, SimulatedPeer to) = peer.Number % 4 == 0 ? (self, peer) : (peer, self);
            from.Ping(to, peer.Number);
        }

        world.Run(TimeSpan.FromSeconds(5));
        Assert.All(talkedTo, p => Assert.Equal("udp", self.StatsOf(p).Path));
        Assert.Equal(talkedTo.Length, self.Pongs.Count + talkedTo.Sum(p => p.Pongs.Count));
        world.Run(Silent);

        SimulatedPeer? active = meanwhile == Meanwhile.OnePeerIsActive ? others[0] : null;
        int toSilent = 0, toActive = 0;
        network.Sent += d =>
        {
            if (self.Host.Addresses.Contains(NetAddress.Of(d.Source)))
            {
                Count(active?.Host.Addresses.Contains(NetAddress.Of(d.Destination)) == true);
            }
        };
        relay.Sent += (from, to) =>
        {
            if (from == self)
            {
                Count(active is not null && to == (UInt128)active.Number);
            }
        };
        Disturb(meanwhile, world, self, others);
        world.Run(Watched);
        Assert.Equal(0, toSilent);
        Assert.Equal(active is null ? 0 : 600, self.Pongs.Count(p => p > Known + 1));
        Assert.True(toActive >= (active is null ? 0 : 600));

        void Count(bool isActive) => _ = isActive ? toActive++ : toSilent++;
    });

    private static void Disturb(Meanwhile meanwhile, VirtualWorld world, SimulatedPeer self, SimulatedPeer[] others)
    {
        switch (meanwhile)
        {
            case Meanwhile.OnePeerIsActive:
                Repeat(600, TimeSpan.FromSeconds(1), i => self.Ping(others[0], 1000 + i));
                break;
            case Meanwhile.TheMapIsSentAnew:
                Repeat(20, TimeSpan.FromSeconds(30), i => self.SetPeers([.. others.Select(p => p.Spec with { Candidates = [.. p.Spec.Candidates.Skip(i % 2)] })]));
                break;
            case Meanwhile.TheNetworkChanges:
                // While sessions still stand, and later.
                Repeat(10, TimeSpan.FromSeconds(50), i =>
                {
                    self.Host.ChangeAddress(self.Host.Addresses[0], NetAddress.Parse($"198.51.100.{201 + i}"));
                    self.NoteNetworkChanged();
                });
                break;
            default:
                break;
        }

        void Repeat(int count, TimeSpan interval, Action<int> action)
        {
            for (int i = 0; i < count; i++)
            {
                int at = i;
                world.After(interval * (i + 0.2), () => action(at));
            }
        }
    }
}
