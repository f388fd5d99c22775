using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Network.Nat;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>A peer behind a NAT that gives every flow another port, and one behind a NAT that does not: the first opens many ports, the second finds one of them.</summary>
public sealed class BirthdayTests
{
    private const int Runs = 200;

    // A seal is 32 bytes beyond the 16 of a small probe.
    private const int ProbeSize = 48;

    // The port that the server which tells outer addresses has seen is a candidate like any other.
    private const int KnownPorts = 1;

    [Theory]
    [InlineData("Hard", "Easy")]
    [InlineData("Easy", "Hard")]
    [InlineData("Hard", "DoubleEasy")]
    public void A_direct_path_stands_within_15_seconds_and_nothing_is_lost(string a, string b)
    {
        List<double> took = [];
        Seeds.Each(Runs, seed =>
        {
            NatPair pair = new(seed, Enum.Parse<NatSituation>(a), Enum.Parse<NatSituation>(b));
            Watch watch = new(pair);
            pair.PingSteadily(1800);
            pair.Until(() => pair.A.Pongs.Count > 0, 1);
            double direct = 0;
            try
            {
                direct = pair.Until(() => pair.IsDirect, 15.5);
            }
            catch (TimeoutException)
            {
                direct = double.PositiveInfinity;
            }

            took.Add(direct);
            pair.World.Run(TimeSpan.FromSeconds(19) - pair.World.Now + TimeSpan.FromSeconds(1));

            // What is used stays open and nothing else; the tunnel's own port is one of those that may be hit.
            SimulatedPeer hard = a == "Hard" ? pair.A : pair.B, easy = a == "Hard" ? pair.B : pair.A;
            Assert.InRange(hard.Sockets.Count, 0, double.IsFinite(direct) ? 1 : 0);
            Assert.Equal(double.IsFinite(direct), pair.IsDirect);
            Assert.Empty(easy.Sockets);
            Assert.InRange(watch.MostInASecond, 1, 200);
            Assert.Equal(Enumerable.Range(1, 1800), pair.A.Pongs.Order());
        });

        double[] sorted = [.. took.Order()];
        TestContext.Current.TestOutputHelper?.WriteLine($"median {sorted[sorted.Length / 2]:0.0} s, 98 % {sorted[(int)(sorted.Length * 0.98)]:0.0} s, longest {sorted[^1]:0.0} s");
        Assert.InRange(took.Count(t => t <= 15), took.Count * 98 / 100, took.Count);
        Assert.InRange(took.Count(t => t <= 10), took.Count * 99 / 100, took.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_ping_inside_the_session_is_reason_enough_from_either_side(bool fromHard)
    {
        int direct = 0;
        Seeds.Each(40, seed =>
        {
            NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);
            (SimulatedPeer from, SimulatedPeer to) = fromHard ? (pair.A, pair.B) : (pair.B, pair.A);
            for (int i = 0; i < 20; i++)
            {
                pair.World.After(TimeSpan.FromSeconds(i), () => from.PingInside(to));
            }

            pair.World.Run(TimeSpan.FromSeconds(20));
            direct += pair.IsDirect ? 1 : 0;
            Assert.Empty(pair.B.Sockets);
        });
        Assert.InRange(direct, 39, 40);
    }

    [Fact]
    public void Two_hard_NATs_open_and_send_nothing() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Hard);
        pair.PingSteadily(3000);
        int most = 0;
        for (int i = 0; i < 32; i++)
        {
            pair.World.Run(TimeSpan.FromSeconds(1));
            most = Math.Max(most, pair.A.Sockets.Count + pair.B.Sockets.Count);
        }

        Assert.Equal(0, most);
        Assert.Equal(("relay", "relay"), (pair.PathOf(pair.A), pair.PathOf(pair.B)));
    });

    [Fact]
    public void What_cannot_work_is_given_up_with_nothing_left_open_and_tried_ever_more_seldom() => Seeds.Each(10, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);

        // The easy NAT's address takes nothing from the hard one's.
        pair.Internet.Censor = d => NetAddress.Of(d.Source) == NetAddress.Parse("203.0.113.2") && d.Destination.IPv4 == NetAddress.Parse("203.0.113.1").At(1).IPv4;
        Watch watch = new(pair);
        pair.PingSteadily(60_000);
        List<double> begins = [];
        bool open = false;
        for (int i = 0; i < 5990; i++)
        {
            pair.World.Run(TimeSpan.FromMilliseconds(100));
            bool now = pair.A.Sockets.Count > 0;
            if (now && !open)
            {
                begins.Add(pair.World.Now.TotalSeconds);
            }

            open = now;
            Assert.InRange(pair.A.Sockets.Count, 0, 256);
        }

        // After 15 s each, a pause of one minute, of two, and of four.
        Assert.Equal(4, begins.Count);
        Assert.InRange(begins[1] - begins[0], 74, 77);
        Assert.InRange(begins[2] - begins[1], 134, 137);
        Assert.InRange(begins[3] - begins[2], 254, 257);
        Assert.Empty(pair.A.Sockets);
        Assert.InRange(watch.MostInASecond, 100, 200);
        Assert.InRange(watch.Hunted, 4 * 2500, 4 * 3000);
        Assert.InRange(pair.A.Pongs.Count, 59_800, 60_000);
    });

    [Fact]
    public void A_change_of_network_tries_again_at_once() => Seeds.Each(10, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);
        pair.Internet.Censor = d => NetAddress.Of(d.Source) == NetAddress.Parse("203.0.113.2") && d.Destination.IPv4 == NetAddress.Parse("203.0.113.1").At(1).IPv4;
        pair.PingSteadily(6000);
        pair.World.Run(TimeSpan.FromSeconds(25));
        Assert.Empty(pair.A.Sockets);
        pair.Internet.Censor = null;
        foreach (NatBox box in pair.Boxes[1])
        {
            box.ChangeAddress(NetAddress.Parse("203.0.113.77"));
        }

        pair.Ask();
        pair.World.Run(TimeSpan.FromSeconds(1));
        pair.A.NoteNetworkChanged();
        Assert.InRange(pair.Until(() => pair.IsDirect, 20), 0, 16);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_names_a_strangers_address_makes_nobody_send_there(bool easyLies) => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);
        UdpEndpoint stranger = NetAddress.Parse("192.0.2.66").At(53);
        pair.Words = (peer, word) => !easyLies ? word with { Seen = peer == pair.A ? 0 : word.Seen }
            : peer == pair.B ? word with { Mapped = stranger } : word;
        int toStranger = 0;
        Watch watch = new(pair);
        pair.Internet.Sent += d => toStranger += d.Destination.IPv4 == stranger.IPv4 ? 1 : 0;
        pair.PingSteadily(2500);
        pair.World.Run(TimeSpan.FromSeconds(26));
        Assert.Equal(0, toStranger);
        Assert.InRange(watch.Hunted, 0, KnownPorts);
        Assert.Equal("relay", pair.PathOf(pair.A));
    });

    [Fact]
    public void With_too_few_sockets_the_relay_carries_on() => Seeds.Each(5, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);
        pair.A.MaxSockets = 20;
        Watch watch = new(pair);
        pair.PingSteadily(2000);
        pair.World.Run(TimeSpan.FromSeconds(21));
        Assert.Empty(pair.A.Sockets);
        Assert.InRange(watch.Hunted, 0, KnownPorts);
        Assert.Equal(2000, pair.A.Pongs.Count);
    });

    [Fact]
    public void A_path_that_was_found_lasts_through_traffic_and_its_socket_is_closed_after_silence() => Seeds.Each(10, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Easy);
        pair.PingSteadily(12_000);
        pair.Until(() => pair.IsDirect, 17);
        pair.World.Run(TimeSpan.FromSeconds(122) - pair.World.Now);
        Assert.True(pair.IsDirect);
        Assert.Equal(Enumerable.Range(1, 12_000), pair.A.Pongs.Order());
        Assert.InRange(pair.A.Sockets.Count, 0, 1);
        pair.World.Run(TimeSpan.FromMinutes(6));
        Assert.Empty(pair.A.Sockets);

        // And what was forgotten is found again.
        pair.A.Received.Clear();
        pair.PingSteadily(2000);
        pair.Until(() => pair.A.Pongs.Count > 0, 1);
        Assert.InRange(pair.Until(() => pair.IsDirect, 20), 0, 16);
    });

    /// <summary>Counts what an easy side sends to ports of the hard side's NAT by chance.</summary>
    private sealed class Watch
    {
        private readonly Queue<double> _lately = new();

        public Watch(NatPair pair)
        {
            HashSet<ushort> seen = [];
            pair.Internet.Sent += d =>
            {
                bool hard = NetAddress.Of(d.Source) == NetAddress.Parse("203.0.113.1") ? pair.B.Nat == NatKind.Hard : pair.A.Nat == NatKind.Hard;
                if (!hard || d.Bytes.Length != ProbeSize || d.Destination.IPv4 >> 8 != NetAddress.Parse("203.0.113.1").At(1).IPv4 >> 8 || !seen.Add(d.Destination.Port))
                {
                    return;
                }

                Hunted++;
                double now = pair.World.Now.TotalSeconds;
                _lately.Enqueue(now);
                while (now - _lately.Peek() >= 1)
                {
                    _lately.Dequeue();
                }

                MostInASecond = Math.Max(MostInASecond, _lately.Count);
            };
        }

        public int Hunted { get; private set; }

        public int MostInASecond { get; private set; }
    }
}
