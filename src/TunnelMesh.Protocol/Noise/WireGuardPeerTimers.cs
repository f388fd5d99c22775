namespace TunnelMesh.Protocol.Noise;

/// <content>The timers of the paper, section 6, computed from a few timestamps instead of armed one by one.</content>
public sealed partial class WireGuardPeer
{
    private const long Unset = long.MinValue;
    private bool _retransmitSet, _attemptSet, _lastMinuteSent, _hasKeys, _hasInitiated, _confirmationOwed;
    private long _retransmitAt, _attemptStarted, _lastSession, _lastInitiation;
    private long _sentUnanswered = Unset, _receivedUnanswered = Unset, _lastSent = Unset, _lastReceived = Unset;
    private long _lastTransportSent = Unset, _lastTransportReceived = Unset, _silenceJitter;
    private volatile int _persistentKeepalive;

    /// <summary>Seconds between keepalives that are sent in any case; 0 for none.</summary>
    public int PersistentKeepaliveSeconds
    {
        get => _persistentKeepalive;
        set => _persistentKeepalive = Math.Max(0, value);
    }

    /// <summary>Notes a transport packet handed to the network. Lock-free.</summary>
    /// <param name="now">A <see cref="TimeProvider.GetTimestamp"/> value.</param>
    /// <param name="isData">False for keepalives.</param>
    public void NoteSent(long now, bool isData)
    {
        HandshakeSent(now);
        Volatile.Write(ref _lastTransportSent, now);
        Volatile.Write(ref _confirmationOwed, false);
        if (isData && Volatile.Read(ref _sentUnanswered) == Unset)
        {
            Volatile.Write(ref _sentUnanswered, now);
        }
    }

    /// <summary>Notes an initiation or response that goes out: it shows that we live, but neither uses a session nor confirms one.</summary>
    internal void HandshakeSent(long now)
    {
        Volatile.Write(ref _lastSent, now);
        Volatile.Write(ref _receivedUnanswered, Unset);
    }

    /// <summary>Notes an authenticated transport packet. Lock-free but for the packet that confirms a session.</summary>
    /// <param name="keypair">The keys it was opened with: the first packet on a session we answered confirms it.</param>
    /// <param name="now">A <see cref="TimeProvider.GetTimestamp"/> value.</param>
    /// <param name="isData">False for keepalives.</param>
    public void NoteReceived(TransportKeypair keypair, long now, bool isData)
    {
        if (ReferenceEquals(_next, keypair))
        {
            Confirm(keypair);
        }
        HandshakeReceived(now);
        Volatile.Write(ref _lastTransportReceived, now);
        if (isData && Volatile.Read(ref _receivedUnanswered) == Unset)
        {
            Volatile.Write(ref _receivedUnanswered, now);
        }
    }

    /// <summary>Notes an authenticated initiation or response: the peer lives.</summary>
    internal void HandshakeReceived(long now)
    {
        Volatile.Write(ref _lastReceived, now);
        Volatile.Write(ref _sentUnanswered, Unset);
    }

    /// <summary>
    /// The peer has been restarted, or so it seems: what is sent from now on waits for a handshake, and that need not wait for the end of an attempt the peer could not answer.
    /// What comes on the old keys is received all the same. Thread-safe.
    /// </summary>
    /// <param name="now">A <see cref="TimeProvider.GetTimestamp"/> value.</param>
    public void NoteRestart(long now)
    {
        lock (Sync)
        {
            _sendKeypair = null;
            Volatile.Write(ref _sentUnanswered, Unset);

            // Whoever could make us believe in restarts makes us send no more than one initiation a second.
            if (_hasInitiated && now - _lastInitiation >= Device.Time.After(0, TimeSpan.FromSeconds(1)))
            {
                _hasInitiated = false;
                _retransmitAt = Math.Min(_retransmitAt, now);
            }
        }
    }

    /// <summary>Under <see cref="Sync"/>: whether an initiation may go out, and if so that it does.</summary>
    internal bool TryStartInitiation(long now)
    {
        if (Removed || (_hasInitiated && now - _lastInitiation < Device.Time.After(0, HandshakeClock.RekeyTimeout)))
        {
            return false;
        }
        (_hasInitiated, _lastInitiation) = (true, now);
        _silenceJitter = Device.Jitter();
        PostponeInitiation(now);
        return true;
    }

    /// <summary>Under <see cref="Sync"/>: the next attempt comes after the time-out; the first one counts from now.</summary>
    internal void PostponeInitiation(long now)
    {
        (_retransmitSet, _retransmitAt) = (true, now + Device.Time.After(0, HandshakeClock.RekeyTimeout) + Device.Jitter());
        StartAttempt(now);
    }

    private void StartAttempt(long now)
    {
        if (!_attemptSet)
        {
            (_attemptSet, _attemptStarted) = (true, now);
        }
    }

    internal PeerTimerActions RunTimers(long now)
    {
        TimeProvider time = Device.Time;
        PeerTimerActions actions = PeerTimerActions.None;
        if (Removed)
        {
            return actions;
        }
        DisposeRetired(now);
        if (_hasKeys && now - _lastSession >= 3 * time.After(0, HandshakeClock.RejectAfter))
        {
            ZeroKeys();
            actions |= PeerTimerActions.Expire;
        }
        if (_sendKeypair is { } old && !old.IsAlive(now))
        {
            _sendKeypair = null;
        }
        TransportKeypair? keys = _sendKeypair;
        bool want = false;

        if (_retransmitSet && now >= _retransmitAt)
        {
            if (_attemptSet && now - _attemptStarted >= time.After(0, HandshakeClock.RekeyAttempt))
            {
                ClearPending();
                (_retransmitSet, _attemptSet) = (false, false);
                Volatile.Write(ref _sentUnanswered, Unset);
                return actions | PeerTimerActions.GiveUp;
            }
            want = true;
        }
        else if (!_retransmitSet)
        {
            long unanswered = Volatile.Read(ref _sentUnanswered);
            if (unanswered != Unset && now >= SilentAt(unanswered))
            {
                Volatile.Write(ref _sentUnanswered, Unset);
                want = true;
            }
            want |= keys is not null && NeedsRekey(keys);
        }

        long received = Volatile.Read(ref _receivedUnanswered), sent = Volatile.Read(ref _lastSent);
        bool keepalive = Volatile.Read(ref _confirmationOwed) || (received != Unset && now - received >= time.After(0, HandshakeClock.Keepalive));
        if (PersistentAt(now) is { } due && now >= due)
        {
            keepalive = true;
            want |= keys is null && !_retransmitSet;
        }
        if (keepalive && keys is not null)
        {
            actions |= PeerTimerActions.SendKeepalive;
        }
        if (keepalive)
        {
            Volatile.Write(ref _receivedUnanswered, Unset);
            Volatile.Write(ref _confirmationOwed, false);
        }
        if (!want)
        {
            return actions;
        }
        long earliest = _hasInitiated ? _lastInitiation + time.After(0, HandshakeClock.RekeyTimeout) : now;
        if (now < earliest)
        {
            (_retransmitSet, _retransmitAt) = (true, earliest);
            return actions;
        }
        // A caller that knows no address cannot begin a handshake now: it is asked again as if the initiation had been lost.
        (_retransmitSet, _retransmitAt) = (true, now + time.After(0, HandshakeClock.RekeyTimeout));
        StartAttempt(now);
        return actions | PeerTimerActions.SendInitiation;
    }

    // Sides that fall silent to each other at the same moment must not initiate at the same moment (as wireguard-go has it).
    private long SilentAt(long unanswered) =>
        unanswered + Device.Time.After(0, HandshakeClock.Keepalive + HandshakeClock.RekeyTimeout) + _silenceJitter;

    internal long NextDeadline(long now)
    {
        TimeProvider time = Device.Time;
        long next = long.MaxValue;
        if (Removed)
        {
            return next;
        }
        if (_retransmitSet)
        {
            next = _retransmitAt;
        }
        if (_hasKeys)
        {
            next = Math.Min(next, _lastSession + 3 * time.After(0, HandshakeClock.RejectAfter));
        }
        if (PersistentAt(now) is { } due)
        {
            next = Math.Min(next, due);
        }
        if (Volatile.Read(ref _confirmationOwed))
        {
            return now;
        }
        if (Volatile.Read(ref _receivedUnanswered) is var received && received != Unset)
        {
            next = Math.Min(next, received + time.After(0, HandshakeClock.Keepalive));
        }
        if (!_retransmitSet && Volatile.Read(ref _sentUnanswered) is var unanswered && unanswered != Unset)
        {
            next = Math.Min(next, SilentAt(unanswered));
        }
        if (_sendKeypair is { } keys)
        {
            // The hot path arms timers without telling anyone: looking again within the shortest of them misses none, and
            // a key of 120 s is replaced by the next packet sent, which a look every second notices.
            long rekey = keys.CreatedAt + time.After(0, HandshakeClock.RekeyAfter);
            next = Math.Min(next, now + time.After(0, HandshakeClock.Keepalive));
            next = Math.Min(next, keys.CreatedAt + time.After(0, HandshakeClock.RejectAfter));
            if (keys.IsInitiator)
            {
                next = Math.Min(next, Math.Max(rekey, now + time.After(0, TimeSpan.FromSeconds(1))));
            }
        }
        return next;
    }

    private void StopTimers()
    {
        (_retransmitSet, _attemptSet, _confirmationOwed) = (false, false, false);
        _sentUnanswered = _receivedUnanswered = Unset;
    }

    private bool NeedsRekey(TransportKeypair keys)
    {
        if (keys.SentMessages > TransportKeypair.RekeyAfterMessages)
        {
            return true;
        }
        if (!keys.IsInitiator)
        {
            return false;
        }
        long sent = Volatile.Read(ref _lastTransportSent), received = Volatile.Read(ref _lastTransportReceived);
        if (sent != Unset && sent - keys.CreatedAt >= Device.Time.After(0, HandshakeClock.RekeyAfter))
        {
            return true;
        }
        TimeSpan late = HandshakeClock.RejectAfter - HandshakeClock.Keepalive - HandshakeClock.RekeyTimeout;
        if (_lastMinuteSent || received == Unset || received - keys.CreatedAt < Device.Time.After(0, late))
        {
            return false;
        }
        _lastMinuteSent = true;
        return true;
    }

    private long? PersistentAt(long now)
    {
        int seconds = _persistentKeepalive;
        if (seconds == 0)
        {
            return null;
        }
        long last = Math.Max(Volatile.Read(ref _lastSent), Volatile.Read(ref _lastReceived));
        if (_retransmitSet && _sendKeypair is null)
        {
            return null;
        }
        return last == Unset ? now : last + Device.Time.After(0, TimeSpan.FromSeconds(seconds));
    }
}
