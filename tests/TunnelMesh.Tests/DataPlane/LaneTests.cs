using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Devices of several lanes: whichever lane a datagram arrives at and whichever thread reads a packet, nothing is lost and a flow keeps its order.</summary>
public sealed class LaneTests
{
    private readonly Random _random = new(20);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly Queue<(byte[] Datagram, UdpEndpoint Source, UdpEndpoint Destination)> _wire = new();
    private readonly List<LaneDevice> _devices = [];

    private LaneDevice Add(int lanes)
    {
        var device = new LaneDevice(_devices.Count + 1, lanes, _time, (d, s, to) => _wire.Enqueue((d, s, to)));
        _devices.Add(device);
        return device;
    }

    /// <summary>Lets everything that is under way happen; datagrams arrive at a lane chosen by chance, as if nothing steered them.</summary>
    private void Settle()
    {
        for (int quiet = 0; quiet < 3; quiet++)
        {
            while (_wire.TryDequeue(out (byte[] Datagram, UdpEndpoint Source, UdpEndpoint Destination) next))
            {
                LaneDevice? to = _devices.Find(d => d.Address == next.Destination);
                to?.Receive(next.Datagram, next.Source, _random.Next(to.Engines.Count));
                to?.RunLanes();
                quiet = 0;
            }

            _devices.ForEach(d => d.RunLanes());
        }
    }

    [Fact]
    public void Flows_of_many_peers_keep_their_order_whatever_lane_they_meet()
    {
        LaneDevice hub = Add(3);
        LaneDevice[] others = [Add(1), Add(2), Add(3), Add(4), Add(1), Add(2)];
        hub.SetPeers(others);
        foreach (LaneDevice other in others)
        {
            other.SetPeers([hub]);
        }

        for (int number = 0; number < 200; number++)
        {
            foreach (LaneDevice other in others)
            {
                // As the kernel does it: the packets of a flow come by one queue.
                hub.Send(other, number, int.Parse(other.Spec.DeviceId[^1..], System.Globalization.CultureInfo.InvariantCulture) % 2, bySender: true);
                other.Send(hub, number, 0, bySender: other.Engines.Count % 2 == 0);
            }

            if (number % 7 == 0)
            {
                Settle();
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }
        }

        Settle();
        string id = hub.Spec.DeviceId;
        Assert.All(others, o => Assert.Equal(Enumerable.Range(0, 200), o.Got[id]));
        Assert.All(others, o => Assert.Equal(Enumerable.Range(0, 200), hub.Got[o.Spec.DeviceId]));
        Assert.All(Enum.GetValues<DropReason>(), r => Assert.Equal(0, hub.Counters[r]));
        Assert.Equal(6, hub.Engines.Sum(e => e.GetStats().Count(s => s.Path == "udp")));
    }

    [Fact]
    public void A_session_names_its_lane_in_every_index_and_is_opened_there_alone()
    {
        LaneDevice hub = Add(4);
        LaneDevice other = Add(1);

        // The third of four is in the lane that has nobody yet.
        hub.SetPeers(Add(1), Add(1), other);
        other.SetPeers([hub]);
        for (int rekey = 0; rekey < 20; rekey++)
        {
            (rekey % 2 == 0 ? hub : other).Send(rekey % 2 == 0 ? other : hub, rekey, 0, bySender: false);
            Settle();
            _time.Advance(TimeSpan.FromSeconds(200));
        }

        Assert.Equal([0, 0, 20, 0], hub.Engines.Select(e => e.Counters.OpenedPackets > 0 ? 20 : 0));
        Assert.Equal(10, hub.Got[other.Spec.DeviceId].Count);
    }

    [Fact]
    public void An_initiation_of_a_peer_that_another_lane_learns_of_later_is_answered_then()
    {
        LaneDevice hub = Add(3);
        LaneDevice other = Add(1);
        other.SetPeers([hub]);
        other.Send(hub, 7, 0, bySender: false);
        (byte[] Datagram, UdpEndpoint Source, UdpEndpoint Destination) initiation = _wire.Dequeue();
        _wire.Clear();
        hub.Receive(initiation.Datagram, initiation.Source, 0);
        Assert.Empty(_wire);
        hub.SetPeers([other]);
        Settle();
        Assert.Equal([7], hub.Got[other.Spec.DeviceId]);
    }

    [Fact]
    public void A_packet_lines_up_behind_those_that_are_still_on_their_way_to_the_owner()
    {
        LaneDevice hub = Add(2);
        LaneDevice other = Add(1);
        hub.SetPeers([other]);
        other.SetPeers([hub]);
        hub.Send(other, 0, 1, bySender: true);

        // Meanwhile the other side brings the session up; the owner has not looked at its mail yet.
        other.Send(hub, 100, 0, bySender: false);
        while (_wire.TryDequeue(out (byte[] Datagram, UdpEndpoint Source, UdpEndpoint Destination) next))
        {
            (next.Destination == hub.Address ? hub : other).Receive(next.Datagram, next.Source, 0);
        }

        Assert.Equal("udp", hub.Engines[0].GetStats()[0].Path);
        hub.Send(other, 1, 1, bySender: true);
        Settle();
        hub.Send(other, 2, 1, bySender: true);
        Assert.Single(_wire);
        Settle();
        Assert.Equal([0, 1, 2], other.Got[hub.Spec.DeviceId]);
    }

    [Fact]
    public void Mail_is_bounded_and_what_has_no_room_is_counted()
    {
        LaneDevice hub = Add(2);
        LaneDevice other = Add(1);
        hub.SetPeers([other]);
        int woken = 0;
        var mail = new LaneMail(() => woken++);
        Assert.All(Enumerable.Range(0, LaneMail.MaxLetters), _ => Assert.True(mail.TryPost(default)));
        Assert.False(mail.TryPost(default));
        Assert.Equal(LaneMail.MaxLetters, woken);
        Assert.True(mail.TryTake(out _));
        Assert.True(mail.TryPost(default));

        // The first peer is of lane 0: what the sending thread of lane 1 reads for it waits there.
        for (int i = 0; i < LaneMail.MaxLetters + 5; i++)
        {
            hub.Send(other, i, 1, bySender: true);
        }

        // One letter tells the owner that something is sent again.
        Assert.Equal(6, hub.Counters[DropReason.QueueFull]);
        hub.RunLanes();
        Assert.Equal(5 + LaneMail.MaxLetters - PeerTunnel.MaxWaitingPackets, hub.Counters[DropReason.QueueFull]);
    }
}
