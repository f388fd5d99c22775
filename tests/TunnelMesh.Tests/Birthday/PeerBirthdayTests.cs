using TunnelMesh.Node.Nat;

namespace TunnelMesh.Tests.Birthday;

public sealed class PeerBirthdayTests
{
    private readonly BirthdayTrial _trial = new();

    [Fact]
    public void The_hard_side_waits_a_second_opens_256_sockets_sends_from_each_and_then_calls()
    {
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        long began = _trial.Now;
        _trial.Run(0.999);
        Assert.Empty(_trial.Open);
        _trial.Run(0.4);
        Assert.Equal(256, _trial.Open.Count);
        Assert.Equal(_trial.Open.Order(), _trial.Probes.Select(p => p.To.Socket).Order());
        Assert.All(_trial.Probes, p => Assert.Equal(BirthdayTrial.Endpoint("203.0.113.2:4000"), p.To.Endpoint));
        Assert.Equal(1, _trial.Meetings);

        // Not before all can be hit.
        long call = Assert.Single(_trial.Calls);
        Assert.InRange(call, _trial.Probes[^1].At, began + 1_300_000);
        Assert.True(_trial.Probes.GroupBy(p => p.At).All(g => g.Count() <= 16));
    }

    [Fact]
    public void A_search_is_told_of_from_before_it_begins_until_it_is_over()
    {
        _trial.Run(5);
        Assert.False(_trial.Peer.IsSearching);
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(0.5);
        Assert.True(_trial.Peer.IsSearching);
        _trial.Run(10);
        Assert.True(_trial.Peer.IsSearching);
        _trial.Run(10);
        Assert.False(_trial.Peer.IsSearching);
        _trial.View = _trial.View with { Own = NatKind.Easy };
        _trial.Peer.NoteWord(BirthdayTrial.Hard("203.0.113.1"), _trial.Now);
        _trial.Peer.NoteCall(_trial.Now);
        _trial.Run(1);
        Assert.True(_trial.Peer.IsSearching);
        _trial.View = _trial.View with { IsDirect = true };
        _trial.Run(0.1);
        Assert.False(_trial.Peer.IsSearching);
    }

    [Fact]
    public void Without_success_everything_is_closed_after_15_seconds_and_the_pause_doubles()
    {
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(1.5);
        Assert.Equal(256, _trial.Open.Count);
        _trial.Run(15);
        Assert.Empty(_trial.Open);
        Assert.InRange(_trial.Calls.Count, 14, 16);
        Assert.Equal(4 * 256, _trial.Probes.Count);
        _trial.Run(59);
        Assert.Empty(_trial.Open);
        _trial.Run(2);
        Assert.Equal(256, _trial.Open.Count);
        _trial.Run(15);
        Assert.Empty(_trial.Open);
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(118);
        Assert.Empty(_trial.Open);
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(4);
        Assert.Equal(256, _trial.Open.Count);
    }

    [Fact]
    public void After_success_the_socket_in_use_stays_what_was_heard_stays_for_two_seconds_and_the_rest_is_closed_at_once()
    {
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(3);
        (_trial.Heard[17], _trial.Heard[99]) = (_trial.Now, _trial.Now);
        _trial.View = _trial.View with { IsDirect = true, Socket = 17 };
        _trial.Run(0.002);
        Assert.Equal<ushort>([17, 99], _trial.Open.Order());
        _trial.Run(2.1);
        Assert.Equal<ushort>([17], _trial.Open);
        int probes = _trial.Probes.Count;
        _trial.Run(100);
        Assert.Equal<ushort>([17], _trial.Open);
        Assert.Equal(probes, _trial.Probes.Count);

        // The path may fail and come back; when nothing is heard over it for three minutes, it does not.
        _trial.View = _trial.View with { IsDirect = false, Socket = 0, IsWanted = false };
        _trial.Run(70);
        Assert.Equal<ushort>([17], _trial.Open);
        _trial.Run(20);
        Assert.Empty(_trial.Open);
    }

    [Fact]
    public void A_change_of_network_ends_the_attempt_and_begins_another_without_a_pause()
    {
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(17);
        Assert.Empty(_trial.Open);
        _trial.Peer.NoteNetworkChanged(_trial.Now);
        _trial.Run(0.5);
        Assert.Equal(256, _trial.Open.Count);
        ushort before = _trial.Open.Max();
        _trial.Peer.NoteNetworkChanged(_trial.Now);
        _trial.Run(1.5);
        Assert.Equal(256, _trial.Open.Count);
        Assert.True(_trial.Open.Min() > before);
    }

    public static TheoryData<NatKind, NatWord> Hopeless => new()
    {
        { NatKind.Hard, BirthdayTrial.Hard("203.0.113.2") },
        { NatKind.Easy, BirthdayTrial.Easy("203.0.113.2:4000") },
        { NatKind.Unknown, BirthdayTrial.Easy("203.0.113.2:4000") },
        { NatKind.Hard, NatWord.None },
        { NatKind.Hard, BirthdayTrial.Easy("203.0.113.2:4000", seen: "203.0.113.3") },
        { NatKind.Easy, BirthdayTrial.Hard("203.0.113.2") with { Seen = 0 } },
        { NatKind.Hard, BirthdayTrial.Hard("203.0.113.2") with { Seen = 0 } },
    };

    [Theory]
    [MemberData(nameof(Hopeless))]
    public void Where_it_cannot_work_or_an_address_is_not_the_one_that_was_seen_nothing_is_sent(NatKind own, NatWord word)
    {
        _trial.View = _trial.View with { Own = own };
        _trial.Peer.NoteWord(word, _trial.Now);
        _trial.Peer.NoteCall(_trial.Now);
        _trial.Run(5);
        Assert.Empty(_trial.Open);
        Assert.Empty(_trial.Probes);
    }

    [Fact]
    public void The_easy_side_hunts_at_the_address_that_was_seen_while_it_is_called()
    {
        _trial.View = _trial.View with { Own = NatKind.Easy };
        _trial.Peer.NoteWord(BirthdayTrial.Hard("203.0.113.1"), _trial.Now);
        _trial.Run(5);
        Assert.Empty(_trial.Probes);
        _trial.Peer.NoteCall(_trial.Now);
        _trial.Run(2);
        _trial.Peer.NoteCall(_trial.Now);
        _trial.Run(2);
        Assert.InRange(_trial.Probes.Count, 700, 800);
        Assert.Equal(_trial.Probes.Count, _trial.Probes.Select(p => p.To.Endpoint.Port).Distinct().Count());
        Assert.All(_trial.Probes, p => Assert.Equal((BirthdayTrial.Endpoint("203.0.113.1:1").IPv4, (ushort)0), (p.To.Endpoint.IPv4, p.To.Socket)));

        // No more is heard of the other side.
        _trial.Run(3);
        int count = _trial.Probes.Count;
        _trial.Run(10);
        Assert.Equal(count, _trial.Probes.Count);
    }

    [Fact]
    public void A_hunt_ends_with_success_and_after_15_seconds_and_calls_do_not_bring_it_back_at_once()
    {
        _trial.View = _trial.View with { Own = NatKind.Easy };
        _trial.Peer.NoteWord(BirthdayTrial.Hard("203.0.113.1"), _trial.Now);
        int Hunt(int seconds)
        {
            int before = _trial.Probes.Count;
            for (int i = 0; i < seconds; i++)
            {
                _trial.Peer.NoteCall(_trial.Now);
                _trial.Run(1);
            }

            return _trial.Probes.Count - before;
        }

        Assert.InRange(Hunt(59), 2900, 3000);
        Assert.InRange(Hunt(3), 300, 600);
        _trial.View = _trial.View with { IsDirect = true };
        Assert.Equal(0, Hunt(20));
    }

    [Fact]
    public void With_too_few_sockets_there_is_no_call_and_they_are_given_back()
    {
        _trial.Room = 63;
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(5);
        Assert.Empty(_trial.Open);
        Assert.Empty(_trial.Calls);
    }

    [Fact]
    public void Sixty_four_sockets_are_enough_to_try()
    {
        _trial.Room = 64;
        _trial.Peer.NoteWord(BirthdayTrial.Easy("203.0.113.2:4000"), _trial.Now);
        _trial.Run(5);
        Assert.Equal(64, _trial.Open.Count);
        Assert.NotEmpty(_trial.Calls);
    }
}
