using TunnelMesh.Node.Paths;
using static TunnelMesh.Tests.Paths.PathTrial;

namespace TunnelMesh.Tests.Paths;

/// <summary>The paths of one peer over virtual time. Long, because they are one state machine, whose cases begin from the same few states.</summary>
public sealed class PeerPathsTests
{
    private static readonly PathTransport[] Order = [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay];

    /// <summary>A session that stands over the relay, while UDP does what the test has set.</summary>
    private static PathTrial OverRelay(params PathAddress[] udp)
    {
        PathTrial trial = new();
        trial.Set(RelayPath, 30);
        trial.Paths.Offer([.. udp, RelayPath], Order, trial.Now);
        trial.Paths.NoteOpen(RelayPath, true, trial.Now);
        trial.Busy = true;
        trial.Paths.NoteSession(RelayPath, trial.Now);
        return trial;
    }

    [Fact]
    public void Traffic_begins_over_what_the_handshake_came_over_and_moves_to_a_better_path_once_full_packets_come_back()
    {
        PathTrial trial = OverRelay(Wan);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
        trial.Set(Wan, 20);
        int took = trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        Assert.InRange(took, 40, 150);
        Assert.Equal(Full, trial.Path(Wan).Mtu);
        Assert.Equal(PathState.Proven, trial.Path(Wan).State);
    }

    [Fact]
    public void A_path_that_carries_probes_but_no_data_is_never_chosen()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20, mtu: 100);
        trial.Run(20_000);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
        Assert.NotEqual(PathState.Proven, trial.Path(Wan).State);
        Assert.True(trial.Path(Wan).Echoes > 0);
    }

    [Theory]
    [InlineData(1392, 1392)]
    [InlineData(1226, 1216)]
    [InlineData(1206, 1200)]
    [InlineData(600, 576)]
    public void The_largest_packet_that_comes_back_is_found_and_bounds_what_is_sent(int carries, int found)
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20, carries);
        trial.Until(() => trial.Paths.Route.First == Wan, 3000);
        Assert.Equal(found, trial.Paths.Route.Mtu);
    }

    [Fact]
    public void Large_packets_that_vanish_under_traffic_are_noticed_and_the_path_is_sized_again()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(5000);
        trial.Set(Wan, 20, 1226);
        int took = trial.Until(() => trial.Paths.Route.Mtu == 1216 && trial.Paths.Route.First == Wan, 10_000);
        Assert.InRange(took, 0, 5000);
    }

    [Theory]
    [InlineData(true, 300)]
    [InlineData(false, 300)]
    public void A_cut_path_is_left_within_patience_and_doubled_before(bool answers, int limit)
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        trial.Answers = answers;
        trial.Run(2000);
        trial.Cut(Wan);
        int doubled = trial.Until(() => !trial.Paths.Route.Second.IsNone || trial.Paths.Route.First == RelayPath, 2000);
        Assert.True(doubled <= limit, $"{doubled} ms");
        int left = doubled + trial.Until(() => trial.Paths.Route.First == RelayPath, 2000);
        Assert.True(left <= 550, $"{left} ms");
        Assert.True(trial.Paths.Route.Second.IsNone);
        Assert.Equal(PathState.Doubted, trial.Path(Wan).State);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(100)]
    [InlineData(600)]
    public void A_healed_path_is_taken_again_within_two_seconds_however_long_it_was_away(int seconds)
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        trial.Cut(Wan);
        trial.Run(seconds * 1000);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
        trial.Set(Wan, 20);
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == Wan, 5000), 0, 2000);
    }

    [Fact]
    public void Silence_of_the_application_alone_leaves_no_path()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Answers = false;
        long changes = trial.Paths.Changes;
        trial.Run(30_000);
        Assert.Equal(Wan, trial.Paths.Route.First);
        Assert.Equal(changes, trial.Paths.Changes);
        // One small question each tenth of a second at most, and a large one every two seconds.
        Assert.InRange(trial.Probes.Count(p => p.At > trial.Now - 10_000 && p.Path == Wan), 5, 120);
    }

    [Theory]
    [InlineData(1, false, 200)]
    [InlineData(1, true, 200)]
    [InlineData(80, false, 100)]
    public void Of_a_path_that_keeps_silent_the_others_are_asked_as_well_at_once_while_more_is_sent(int packets, bool heard, int after)
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        (trial.Busy, trial.Answers) = (false, false);
        trial.Run(800);
        trial.Cut(Wan);
        int before = trial.Probes.Count;
        trial.Busy = true;
        trial.Run(packets);
        trial.Busy = false;
        int took = packets + trial.Until(
            () =>
            {
                // Before it is asked that would be the answer.
                if (heard && trial.Now % 20 == 0 && trial.Probes.Skip(before).Any(p => p.Path == Wan))
                {
                    trial.Paths.NoteHeard(Wan, trial.Now);
                }

                return trial.Probes.Skip(before).Any(p => p.Path == RelayPath);
            },
            1000);
        Assert.InRange(took, after, after + 5);
        Assert.Equal(Wan, trial.Paths.Route.First);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(90)]
    public void What_is_sent_after_a_pause_is_waited_for_as_long_as_anything_else_before_its_path_is_asked(int roundTrip)
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, roundTrip);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        int silence = Math.Max(100, 2 * roundTrip);
        trial.Until(() => trial.Probes[^1] == (trial.Now - 1, Wan, Full), 2500);
        trial.Busy = false;
        trial.Run(800);

        // One packet; its answer comes after a round trip.
        int before = trial.Probes.Count;
        SendOne();
        trial.Run(roundTrip);
        trial.Paths.NoteHeard(Wan, trial.Now);
        trial.Run(silence + 50);
        Assert.Equal(before, trial.Probes.Count);

        // Another one has none.
        SendOne();
        trial.Run(silence - 2);
        Assert.Equal(before, trial.Probes.Count);
        trial.Run(3);
        Assert.Contains(trial.Probes.Skip(before), p => p.Path == Wan && p.Size == PeerPaths.SmallSize);

        // Once, and no other path with it: it may have needed no answer.
        trial.Run(500);
        Assert.Equal([(Wan, PeerPaths.SmallSize)], trial.Probes.Skip(before).Select(p => (p.Path, p.Size)));

        // A sender may be late to say so; what had been answered by then is not asked for.
        before = trial.Probes.Count;
        trial.Paths.NoteHeard(Wan, trial.Now);
        trial.Paths.NoteSent(trial.Now - 1);
        trial.Run(silence + 50);
        Assert.Equal(before, trial.Probes.Count);

        void SendOne()
        {
            (trial.Busy, trial.Answers) = (true, false);
            trial.Run(1);
            (trial.Busy, trial.Answers) = (false, true);
        }
    }

    [Fact]
    public void A_silent_peer_is_not_probed_after_two_minutes_and_its_path_is_asked_before_it_is_trusted_again()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Busy = false;
        trial.Run(125_000);
        int before = trial.Probes.Count;
        trial.Run(600_000);
        Assert.Equal(before, trial.Probes.Count);
        trial.Cut(Wan);
        trial.Busy = true;
        trial.Run(1);
        // From the first packet on over both, so that the first is not lost with the mapping of a NAT.
        Assert.Equal((Wan, RelayPath), (trial.Paths.Route.First, trial.Paths.Route.Second));
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == RelayPath, 1000), 0, 350);
    }

    [Fact]
    public void Of_equal_transports_the_clearly_faster_path_wins_and_then_stays()
    {
        PathTrial trial = OverRelay(Lan, Wan);
        trial.Set(Lan, 20);
        trial.Set(Wan, 60);
        trial.Run(15_000);
        Assert.Equal(Lan, trial.Paths.Route.First);
        long changes = trial.Paths.Changes;
        trial.Set(Lan, 60);
        trial.Set(Wan, 55);
        trial.Run(60_000);
        Assert.Equal(changes, trial.Paths.Changes);
    }

    [Fact]
    public void IPv6_is_taken_where_both_work_alike()
    {
        PathTrial trial = OverRelay(Wan, V6);
        trial.Set(Wan, 20);
        trial.Set(V6, 20);
        trial.Run(15_000);
        Assert.Equal(V6, trial.Paths.Route.First);
    }

    [Fact]
    public void A_peer_that_moved_is_followed_and_a_new_address_alone_moves_nothing()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        PathAddress stranger = At("203.0.113.66:1");
        trial.Paths.NoteHeard(stranger, trial.Now);
        trial.Run(5000);
        Assert.Equal(Wan, trial.Paths.Route.First);

        PathAddress moved = At("203.0.113.7:4000");
        trial.Cut(Wan);
        trial.Set(moved, 20);
        trial.Paths.NoteHeard(moved, trial.Now);
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == moved || trial.Paths.Route.Second == moved, 1000), 0, 300);
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == moved, 1000), 0, 500);
    }

    [Fact]
    public void Over_a_worse_transport_a_meeting_and_a_stream_are_asked_for_and_over_the_best_no_more()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Run(1000);
        Assert.True(trial.Asked.HasFlag(PathActions.Meet) && trial.Asked.HasFlag(PathActions.OpenStream));
        trial.Set(SshPath, 10);
        trial.Paths.NoteOpen(SshPath, true, trial.Now);
        trial.Until(() => trial.Paths.Route.First == SshPath, 1000);
        trial.Set(Wan, 20);
        trial.Paths.Meet([Wan], trial.Now);
        trial.Until(() => trial.Paths.Route.First == Wan, 1000);
        trial.Paths.NoteOpen(SshPath, false, trial.Now);
        trial.Paths.NoteOpen(RelayPath, false, trial.Now);
        trial.Run(1000);
        Assert.Equal(Wan, trial.Paths.Route.First);
    }

    [Fact]
    public void A_closed_stream_is_left_at_once()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(SshPath, 10);
        trial.Paths.NoteOpen(SshPath, true, trial.Now);
        trial.Until(() => trial.Paths.Route.First == SshPath, 1000);
        trial.Paths.NoteOpen(SshPath, false, trial.Now);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
    }

    [Fact]
    public void A_transport_that_is_not_allowed_is_neither_probed_nor_taken()
    {
        PathTrial trial = new(PathTransport.Relay);
        trial.Set(RelayPath, 30);
        trial.Set(Wan, 5);
        trial.Busy = true;
        trial.Paths.Offer([Wan, RelayPath], [PathTransport.Relay], trial.Now);
        trial.Paths.NoteOpen(RelayPath, true, trial.Now);
        trial.Paths.NoteSession(Wan, trial.Now);
        trial.Run(5000);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
        Assert.DoesNotContain(trial.Probes, p => p.Path == Wan);

        // The order may change under way.
        trial.Paths.Offer([Wan, RelayPath], Order, trial.Now);
        trial.Paths.Meet([Wan], trial.Now);
        trial.Until(() => trial.Paths.Route.First == Wan, 1000);
    }

    [Fact]
    public void When_nothing_answers_any_more_a_handshake_is_asked_for_since_the_peer_may_have_lost_its_keys()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(1000);
        trial.Cut(Wan);
        trial.Cut(RelayPath);
        int took = trial.Until(() => trial.Asked.HasFlag(PathActions.Handshake), 5000);
        Assert.InRange(took, 500, 3500);
    }

    [Fact]
    public void A_change_of_this_machines_network_doubts_every_UDP_path_and_tries_all_at_once()
    {
        PathTrial trial = OverRelay(Wan, V6);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Run(3000);
        trial.Set(V6, 25);
        trial.Cut(Wan);
        trial.Paths.DoubtAll(trial.Now, trial.SentAt);
        Assert.Equal((Wan, RelayPath), (trial.Paths.Route.First, trial.Paths.Route.Second));
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == V6, 1000), 0, 350);
    }

    [Fact]
    public void A_change_of_this_machines_network_asks_a_silent_peer_nothing_until_something_is_sent_to_it()
    {
        PathTrial trial = OverRelay(Wan, V6);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Busy = false;
        trial.Run(121_000);
        int before = trial.Probes.Count;
        trial.Set(V6, 25);
        trial.Cut(Wan);
        trial.Paths.DoubtAll(trial.Now, trial.SentAt);
        trial.Run(2000);
        Assert.Equal(before, trial.Probes.Count);
        trial.Busy = true;
        trial.Run(1);
        Assert.Equal((Wan, RelayPath), (trial.Paths.Route.First, trial.Paths.Route.Second));
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == V6, 1000), 0, 350);
    }

    [Fact]
    public void Paths_that_fail_together_are_left_together()
    {
        PathTrial trial = OverRelay(Lan, Wan, V6);
        PathAddress[] all = [Lan, Wan, V6];
        Array.ForEach(all, p => trial.Set(p, 20));
        trial.Run(15_000);
        Assert.All(all, p => Assert.Equal(PathState.Proven, trial.Path(p).State));
        Array.ForEach(all, trial.Cut);
        int doubled = trial.Until(() => trial.Paths.Route.Second == RelayPath || trial.Paths.Route.First == RelayPath, 1000);
        Assert.InRange(doubled + trial.Until(() => trial.Paths.Route.First == RelayPath, 1000), 0, 550);
    }

    [Fact]
    public void To_a_peer_that_died_handshakes_are_asked_for_only_while_something_is_sent()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Cut(Wan);
        trial.Cut(RelayPath);
        trial.Run(20_000);
        Assert.True(trial.Asked.HasFlag(PathActions.Handshake));
        trial.Busy = false;
        trial.Run(2000);
        trial.Forget();
        trial.Run(300_000);
        Assert.False(trial.Asked.HasFlag(PathActions.Handshake));
        int before = trial.Probes.Count;
        trial.Run(600_000);
        Assert.Equal((before, long.MaxValue), (trial.Probes.Count, trial.Paths.NextDeadline));
    }

    [Fact]
    public void A_source_that_only_claims_to_be_the_peers_gets_small_probes_alone()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        PathAddress stranger = At("203.0.113.66:1");
        trial.Unproven.Clear();
        for (int i = 0; i < 20; i++)
        {
            trial.Paths.NoteHeard(stranger, trial.Now);
            trial.Run(400);
        }

        Assert.All(trial.Probes.Where(p => p.Path == stranger), p => Assert.Equal(PeerPaths.SmallSize, p.Size));
        Assert.Contains(stranger, trial.Unproven);
        Assert.DoesNotContain(Wan, trial.Unproven);
    }

    [Fact]
    public void A_path_sized_in_a_bad_moment_grows_again()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20, 1226);
        trial.Until(() => trial.Paths.Route.Mtu == 1216, 3000);
        trial.Set(Wan, 20);
        Assert.InRange(trial.Until(() => trial.Paths.Route.Mtu == int.MaxValue, 90_000), 0, 65_000);
    }

    [Fact]
    public void After_a_long_silence_a_handshake_over_the_relay_is_not_undone_by_a_path_that_is_stale()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Until(() => trial.Paths.Route.First == Wan, 2000);
        trial.Busy = false;
        trial.Run(300_000);
        trial.Cut(Wan);
        trial.Busy = true;
        trial.Paths.NoteSession(RelayPath, trial.Now);
        trial.Run(200);
        Assert.Equal(RelayPath, trial.Paths.Route.First);
    }

    [Fact]
    public void However_many_addresses_a_peer_speaks_from_only_so_many_are_kept_and_what_is_offered_stays()
    {
        PathTrial trial = OverRelay(Wan, V6);
        for (int i = 0; i < 1000; i++)
        {
            trial.Paths.NoteHeard(At($"203.0.113.9:{i + 1}"), trial.Now);
        }

        Assert.Equal(PeerPaths.MaxPaths, trial.Paths.All.Count);
        Assert.NotNull(trial.Path(Wan));
        Assert.NotNull(trial.Path(V6));
        trial.Run(70_000);
        trial.Paths.NoteHeard(At("203.0.113.10:1"), trial.Now);
        Assert.InRange(trial.Paths.All.Count, 3, 5);
    }

    [Fact]
    public void A_stock_peer_is_followed_at_once_and_never_probed()
    {
        PeerPaths paths = new(1000, Full, Order, stock: true);
        PathTrial none = new();
        paths.NoteSession(Wan, 1000);
        Assert.Equal(Wan, paths.Route.First);
        paths.NoteHeard(Lan, 1001);
        Assert.Equal(Lan, paths.Route.First);
        paths.Run(5000, 5000, 5000, none);
        Assert.Equal(long.MaxValue, paths.NextDeadline);
        Assert.Empty(none.Probes);
    }

    [Fact]
    public void An_echo_counts_only_over_the_path_and_at_the_size_of_its_probe()
    {
        PeerPaths paths = new(1000, Full, Order, stock: false);
        Once once = new();
        paths.Offer([Lan, Wan], Order, 1000);
        paths.NoteSession(Lan, 1000);
        paths.Run(1000, 1000, 1000, once);
        (PathAddress path, int size, ulong challenge) = once.Sent.First(s => s.Path == Lan && s.Size == Full);
        Assert.False(paths.NoteEcho(challenge, size, Wan, 1010));
        Assert.False(paths.NoteEcho(challenge, size - 1, path, 1010));
        Assert.False(paths.NoteEcho(challenge + 1000, size, path, 1010));
        Assert.True(paths.NoteEcho(challenge, size, path, 1010));
        Assert.False(paths.NoteEcho(challenge, size, path, 1011));
        Assert.Equal(10, paths.All.Single(p => p.Address == Lan).RoundTrip);
    }

    private sealed class Once : IPathProber
    {
        public List<(PathAddress Path, int Size, ulong Challenge)> Sent { get; } = [];

        public ulong? Probe(in PathAddress path, int size, bool proven)
        {
            Sent.Add((path, size, (ulong)Sent.Count + 1));
            return (ulong)Sent.Count;
        }
    }

    [Fact]
    public void Another_order_moves_to_a_path_that_has_proved_itself_at_once_and_else_stays_until_one_has()
    {
        PathTrial trial = OverRelay(Wan);
        trial.Set(Wan, 20);
        trial.Set(SshPath, 25);
        trial.Until(() => trial.Paths.Route.First == Wan && trial.Path(RelayPath).State == PathState.Proven, 2000);
        trial.Paths.Offer([RelayPath, Wan], [PathTransport.Relay, PathTransport.Udp], trial.Now);
        Assert.Equal(RelayPath, trial.Paths.Route.First);

        // There is no stream yet: it is asked for, and the path in use goes on meanwhile.
        trial.Forget();
        trial.Paths.Offer([SshPath, Wan, RelayPath], [PathTransport.Ssh, PathTransport.Udp, PathTransport.Relay], trial.Now);
        Assert.Equal(Wan, trial.Paths.Route.First);
        trial.Paths.NoteOpen(SshPath, false, trial.Now);
        trial.Run(1);
        Assert.True(trial.Asked.HasFlag(PathActions.OpenStream));
        trial.Run(50);
        Assert.Equal(Wan, trial.Paths.Route.First);
        trial.Paths.NoteOpen(SshPath, true, trial.Now);
        Assert.InRange(trial.Until(() => trial.Paths.Route.First == SshPath, 200), 0, 60);
        Assert.Equal(PathState.Proven, trial.Path(SshPath).State);
    }
}
