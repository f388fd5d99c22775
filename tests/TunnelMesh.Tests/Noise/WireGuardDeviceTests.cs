using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

public sealed class WireGuardDeviceTests
{
    private static readonly byte[] Source = [192, 0, 2, 1];
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly WireGuardDevice _left, _right;
    private readonly WireGuardPeer _toRight, _toLeft;
    private readonly byte[] _message = new byte[148], _reply = new byte[148];

    public WireGuardDeviceTests()
    {
        LocalStatic left = Key(), right = Key();
        _left = new WireGuardDevice(left, _time, RandomNumberGenerator.Fill, null);
        _right = new WireGuardDevice(right, _time, RandomNumberGenerator.Fill, null);
        _toRight = _left.AddPeer(right.PublicKey.Span, [], null);
        _toLeft = _right.AddPeer(left.PublicKey.Span, [], null);
    }

    [Fact]
    public void The_responder_sends_only_after_the_first_packet_of_the_initiator()
    {
        Handshake(_left, _toRight, _right);
        Assert.Null(_toLeft.SendKeypair);
        Assert.True(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendKeepalive));
        Pass(_toRight, _right);
        Assert.NotNull(_toLeft.SendKeypair);
        Pass(_toLeft, _left);
    }

    [Fact]
    public void A_repeated_initiation_is_answered_with_the_same_response_until_the_session_is_used()
    {
        byte[] again = new byte[148];
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.Equal(HandshakeResult.Responded, _right.HandleHandshake(_message, Source, false, _reply, out int length, out _));
        _time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HandshakeResult.AnsweredAgain, _right.HandleHandshake(_message, [192, 0, 2, 9], false, again, out int second, out WireGuardPeer? peer));
        Assert.Same(_toLeft, peer);
        Assert.Equal(_reply[..length], again[..second]);
        Assert.Equal(HandshakeResult.SessionEstablished, _left.HandleHandshake(again.AsSpan(0, second), Source, false, new byte[92], out _, out _));
        Pass(_toRight, _right);
        Assert.Equal(HandshakeResult.Replayed, _right.HandleHandshake(_message, Source, false, again, out second, out _));
        Assert.Equal(0, second);
    }

    [Fact]
    public void A_repeat_that_comes_too_late_is_a_replay()
    {
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.Equal(HandshakeResult.Responded, _right.HandleHandshake(_message, Source, false, _reply, out _, out _));
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(HandshakeResult.Replayed, _right.HandleHandshake(_message, Source, false, _reply, out _, out _));
    }

    [Fact]
    public void Simultaneous_initiations_converge()
    {
        byte[] other = new byte[148], otherReply = new byte[148];
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.True(_right.TryBeginHandshake(_toLeft, other));
        Assert.Equal(HandshakeResult.Responded, _right.HandleHandshake(_message, Source, false, _reply, out int a, out _));
        Assert.Equal(HandshakeResult.Responded, _left.HandleHandshake(other, Source, false, otherReply, out int b, out _));
        Assert.Equal(HandshakeResult.SessionEstablished, _left.HandleHandshake(_reply.AsSpan(0, a), Source, false, new byte[92], out _, out _));
        Assert.Equal(HandshakeResult.SessionEstablished, _right.HandleHandshake(otherReply.AsSpan(0, b), Source, false, new byte[92], out _, out _));
        Pass(_toRight, _right);
        Pass(_toLeft, _left);
        Pass(_toRight, _right);
    }

    [Fact]
    public void An_initiation_is_repeated_then_given_up_after_90_seconds()
    {
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.False(_left.TryBeginHandshake(_toRight, _message));
        long start = _time.GetTimestamp();
        int sent = 1;
        for (PeerTimerActions actions = default; !actions.HasFlag(PeerTimerActions.GiveUp);)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            Assert.True(_time.GetElapsedTime(start) < TimeSpan.FromSeconds(97));
            actions = _left.RunTimers(_toRight);
            if (actions.HasFlag(PeerTimerActions.SendInitiation) && _left.TryBeginHandshake(_toRight, _message))
                sent++;
        }
        Assert.InRange(sent, 16, 18);
    }

    [Fact]
    public void The_initiator_renews_after_120_seconds_and_both_forget_idle_keys_after_540()
    {
        Handshake(_left, _toRight, _right);
        Pass(_toRight, _right);
        _time.Advance(TimeSpan.FromSeconds(121));
        Pass(_toRight, _right);
        Assert.True(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendInitiation));
        Assert.False(_right.RunTimers(_toLeft).HasFlag(PeerTimerActions.SendInitiation));
        Handshake(_left, _toRight, _right);
        Pass(_toRight, _right);
        _time.Advance(TimeSpan.FromSeconds(541));
        Assert.True(_right.RunTimers(_toLeft).HasFlag(PeerTimerActions.Expire));
        Assert.Null(_toLeft.SendKeypair);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Keys_leave_memory_when_a_peer_is_removed_and_when_it_was_silent_for_540_seconds(bool removed)
    {
        Handshake(_left, _toRight, _right);
        TransportKeypair keys = _toRight.SendKeypair!;
        Assert.False(keys.IsDisposed);
        if (removed)
        {
            _left.RemovePeer(_toRight);
        }
        else
        {
            _time.Advance(TimeSpan.FromSeconds(540));
            Assert.True(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.Expire));
        }

        Assert.True(keys.IsDisposed);
        Assert.False(_left.TryFindKeypair(keys.LocalIndex, out _, out _));
    }

    [Fact]
    public void Replays_floods_and_clocks_set_back_are_handled()
    {
        Handshake(_left, _toRight, _right);
        Pass(_toRight, _right);
        Assert.Equal(HandshakeResult.Replayed, _right.HandleHandshake(_message, Source, false, _reply, out _, out _));
        var back = new FakeTimeProvider(_time.GetUtcNow() - TimeSpan.FromDays(1));
        var store = new Store { Last = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks };
        LocalStatic key = Key();
        var restarted = new WireGuardDevice(key, back, RandomNumberGenerator.Fill, store);
        WireGuardPeer there = restarted.AddPeer(_toLeft.Device.Local.PublicKey.Span, [], null);
        _right.AddPeer(key.PublicKey.Span, [], null);
        Handshake(restarted, there, _right);
        Assert.True(store.Last > (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks);
    }

    [Fact]
    public void After_simultaneous_initiations_datagrams_under_way_on_the_session_left_behind_still_open()
    {
        byte[] other = new byte[148], otherReply = new byte[148], late = new byte[64];
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.True(_right.TryBeginHandshake(_toLeft, other));
        _right.HandleHandshake(_message, Source, false, _reply, out int a, out _);
        _left.HandleHandshake(other, Source, false, otherReply, out int b, out _);
        _left.HandleHandshake(_reply.AsSpan(0, a), Source, false, new byte[92], out _, out _);
        _right.HandleHandshake(otherReply.AsSpan(0, b), Source, false, new byte[92], out _, out _);
        int length = _toLeft.SendKeypair!.Seal(late, 16, 16, _time.GetTimestamp());

        // The left side renews its own session before that datagram arrives.
        _time.Advance(TimeSpan.FromSeconds(10));
        Handshake(_left, _toRight, _right);
        Assert.True(_left.TryFindKeypair(BinaryPrimitives.ReadUInt32LittleEndian(late.AsSpan(4)), out TransportKeypair? keys, out _));
        Assert.Equal(OpenResult.Opened, keys.Open(late.AsSpan(0, length), _time.GetTimestamp(), out _));

        // But not past its age, and its index is given back.
        _time.Advance(TimeSpan.FromSeconds(180));
        _left.RunTimers(_toRight);
        Assert.False(_left.TryFindKeypair(BinaryPrimitives.ReadUInt32LittleEndian(late.AsSpan(4)), out _, out _));
    }

    [Fact]
    public void A_peer_that_is_removed_can_neither_send_nor_be_heard_on_any_session()
    {
        Handshake(_left, _toRight, _right);
        TransportKeypair first = _toRight.SendKeypair!;
        _time.Advance(TimeSpan.FromSeconds(6));
        Handshake(_left, _toRight, _right);
        TransportKeypair second = _toRight.SendKeypair!;
        _left.RemovePeer(_toRight);
        foreach (TransportKeypair keys in new[] { first, second })
        {
            Assert.False(_left.TryFindKeypair(keys.LocalIndex, out _, out _));
            Assert.Equal(0, keys.Seal(new byte[64], 16, 16, _time.GetTimestamp()));
            Assert.Equal(OpenResult.Expired, keys.Open(new byte[64], _time.GetTimestamp(), out _));
        }
    }

    [Fact]
    public void The_confirmation_an_initiator_owes_survives_an_initiation_of_the_other_side()
    {
        byte[] other = new byte[148];
        Assert.True(_right.TryBeginHandshake(_toLeft, other));
        Handshake(_left, _toRight, _right);
        Assert.Equal(HandshakeResult.Responded, _left.HandleHandshake(other, Source, false, _reply, out _, out _));
        Assert.True(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendKeepalive));
    }

    [Fact]
    public void Answering_or_hearing_a_handshake_is_no_use_of_an_old_session_that_would_renew_it()
    {
        Handshake(_left, _toRight, _right);
        Pass(_toRight, _right);
        _time.Advance(TimeSpan.FromSeconds(170));
        Assert.True(_right.TryBeginHandshake(_toLeft, _message));
        Assert.Equal(HandshakeResult.Responded, _left.HandleHandshake(_message, Source, false, _reply, out _, out _));
        Assert.False(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendInitiation));
    }

    [Fact]
    public void A_caller_without_an_address_is_asked_every_5_seconds_and_given_up_on_after_90()
    {
        _toRight.PersistentKeepaliveSeconds = 25;
        int asked = 0;
        for (int steps = 0; ; steps++)
        {
            Assert.True(steps < 100);
            PeerTimerActions actions = _left.RunTimers(_toRight);
            if (actions.HasFlag(PeerTimerActions.GiveUp))
            {
                break;
            }
            asked += actions.HasFlag(PeerTimerActions.SendInitiation) ? 1 : 0;
            long wait = _left.NextDeadline(_toRight) - _time.GetTimestamp();
            Assert.True(wait > 0, "the timers want to run again at once");
            _time.Advance(TimeSpan.FromTicks(wait));
        }
        Assert.Equal(18, asked);
    }

    [Fact]
    public void Unanswered_data_asks_for_a_handshake_after_15_seconds_and_jitter()
    {
        Handshake(_left, _toRight, _right);
        Pass(_toRight, _right);
        _time.Advance(TimeSpan.FromMilliseconds(14_999));
        Assert.False(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendInitiation));
        _time.Advance(TimeSpan.FromMilliseconds(335));
        Assert.True(_left.RunTimers(_toRight).HasFlag(PeerTimerActions.SendInitiation));
    }

    [Fact]
    public void Devices_that_fall_silent_together_do_not_initiate_together()
    {
        WireGuardDeviceTests[] pairs = [.. Enumerable.Range(0, 8).Select(_ => new WireGuardDeviceTests())];
        int asked = 0;
        foreach (WireGuardDeviceTests pair in pairs)
        {
            pair.Handshake(pair._left, pair._toRight, pair._right);
            pair.Pass(pair._toRight, pair._right);
            pair._time.Advance(TimeSpan.FromSeconds(15));
            asked += pair._left.RunTimers(pair._toRight).HasFlag(PeerTimerActions.SendInitiation) ? 1 : 0;
        }
        // One in 334 has no jitter at all.
        Assert.True(asked < pairs.Length);
    }

    [Fact]
    public void Under_load_a_cookie_is_asked_for_and_taken()
    {
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.Equal(HandshakeResult.CookieSent, _right.HandleHandshake(_message, Source, true, _reply, out int length, out _));
        Assert.Equal(HandshakeResult.CookieStored, _left.HandleHandshake(_reply.AsSpan(0, length), Source, false, new byte[92], out _, out _));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        Assert.Equal(HandshakeResult.Responded, _right.HandleHandshake(_message, Source, true, _reply, out _, out _));
    }

    [Fact]
    public void However_many_peers_are_called_at_once_the_labels_do_not_run_ahead_of_the_clock()
    {
        Store store = new();
        OffsetTime clock = new(_time);
        LocalStatic key = Key(), other = Key();
        WireGuardDevice caller = new(key, clock, RandomNumberGenerator.Fill, store), called = new(other, _time, RandomNumberGenerator.Fill, null);
        called.AddPeer(key.PublicKey.Span, [], null);
        WireGuardPeer first = caller.AddPeer(other.PublicKey.Span, [], null);
        WireGuardPeer[] peers = [.. Enumerable.Range(0, 500).Select(_ => caller.AddPeer(Key().PublicKey.Span, [], null))];
        for (int round = 0; round < 3; round++)
        {
            foreach (WireGuardPeer peer in peers)
            {
                Assert.True(caller.TryBeginHandshake(peer, _message));
            }
            Handshake(caller, first, called);
            _time.Advance(TimeSpan.FromSeconds(5));
        }
        Assert.True(store.Last <= (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks);

        // The clock is set back: a peer that was called before gets a later label all the same, and so does one that is new, also after a restart.
        clock.Offset = TimeSpan.FromHours(-1);
        Handshake(caller, first, called);
        foreach (WireGuardDevice device in new[] { caller, new WireGuardDevice(key, clock, RandomNumberGenerator.Fill, store) })
        {
            long before = store.Last;
            Assert.True(device.TryBeginHandshake(device.AddPeer(Key().PublicKey.Span, [], null), _message));
            Assert.True(store.Last > before);
        }
    }

    [Fact]
    public void Mutated_datagrams_never_throw_or_establish()
    {
        Assert.True(_left.TryBeginHandshake(_toRight, _message));
        for (int i = 0; i < 116; i++)
        {
            byte[] bad = [.. _message];
            bad[i] ^= 1;
            Assert.NotEqual(HandshakeResult.Responded, _right.HandleHandshake(bad, Source, false, _reply, out _, out _));
            _right.HandleHandshake(bad.AsSpan(0, i), Source, false, _reply, out _, out _);
        }
        Assert.Throws<ArgumentException>(() => _left.AddPeer(new byte[32], [], null));
    }

    private static LocalStatic Key()
    {
        byte[] key = new byte[32];
        RandomNumberGenerator.Fill(key);
        return new LocalStatic(key);
    }

    private void Handshake(WireGuardDevice from, WireGuardPeer peer, WireGuardDevice to)
    {
        Assert.True(from.TryBeginHandshake(peer, _message));
        Assert.Equal(HandshakeResult.Responded, to.HandleHandshake(_message, Source, false, _reply, out int length, out _));
        Assert.Equal(HandshakeResult.SessionEstablished, from.HandleHandshake(_reply.AsSpan(0, length), Source, false, new byte[92], out _, out _));
    }

    private void Pass(WireGuardPeer from, WireGuardDevice to)
    {
        byte[] buffer = new byte[64];
        long now = _time.GetTimestamp();
        int length = from.SendKeypair!.Seal(buffer, 16, 16, now);
        from.NoteSent(now, true);
        Assert.True(to.TryFindKeypair(BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(4)), out TransportKeypair? keypair, out WireGuardPeer? peer));
        Assert.Equal(OpenResult.Opened, keypair.Open(buffer.AsSpan(0, length), now, out _));
        peer.NoteReceived(keypair, now, true);
    }

    private sealed class Store : ITai64nStore
    {
        public long Last { get; set; }
        public long Load() => Last;
        public void Save(long unixTicks) => Last = unixTicks;
    }
}
