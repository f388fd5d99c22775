using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>One remote: its keys, sessions and handshake. Thread-safe: what is not lock-free takes the peer's own lock.
/// The receive path must call <see cref="NoteReceived"/> for each authenticated packet and the send path
/// <see cref="NoteSent"/> for each packet handed to the network; the timers live on them.</summary>
public sealed partial class WireGuardPeer
{
    internal readonly Lock Sync = new();
    internal readonly WireGuardDevice Device;
    internal readonly byte[] RemotePublic;
    internal readonly byte[] PresharedKey = new byte[WireGuardMessage.KeySize];
    internal readonly byte[] PendingMessage = new byte[WireGuardMessage.InitiationSize];
    internal readonly CookieJar Cookies;
    private const int AuthenticatedBytes = WireGuardMessage.InitiationSize - (2 * WireGuardMessage.MacSize);
    private readonly byte[] _answered = new byte[AuthenticatedBytes];
    private readonly byte[] _response = new byte[WireGuardMessage.ResponseSize];
    internal Tai64n GreatestTimestamp;

    /// <summary>No initiation to this peer has a later label; under the device's lock of the clock.</summary>
    internal Tai64n LastLabel;
    internal bool HasConsumed, Removed;
    internal long LastConsumed;
    internal InitiatorHandshake? Pending;
    private const int MaxRetired = 16;
    private readonly Queue<TransportKeypair> _retired = new();
    private volatile TransportKeypair? _next;
    private TransportKeypair? _current, _previous;
    private volatile TransportKeypair? _sendKeypair;
    private long _lastHandshakeUnixMs;

    /// <summary>Prepares a peer; it takes part once <see cref="WireGuardDevice.AddPeer(WireGuardPeer)"/> has registered it.</summary>
    /// <param name="device">The device it belongs to.</param>
    /// <param name="remotePublic">32 bytes, raw X25519.</param>
    /// <param name="presharedKey">32 bytes, or empty for none.</param>
    /// <param name="tag">Anything of the caller's.</param>
    /// <exception cref="ArgumentException">A key has the wrong length or is of low order.</exception>
    public WireGuardPeer(WireGuardDevice device, ReadOnlySpan<byte> remotePublic, ReadOnlySpan<byte> presharedKey, object? tag)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (remotePublic.Length != 32)
        {
            throw new ArgumentException($"A WireGuard public key has 32 bytes, this one has {remotePublic.Length}.", nameof(remotePublic));
        }
        if (presharedKey.Length is not (0 or 32))
        {
            throw new ArgumentException($"A WireGuard preshared key has 32 bytes, this one has {presharedKey.Length}.", nameof(presharedKey));
        }
        Span<byte> shared = stackalloc byte[WireGuardMessage.KeySize];
        bool usable = device.Local.TryAgree(remotePublic, shared);
        CryptographicOperations.ZeroMemory(shared);
        if (!usable)
        {
            throw new ArgumentException("The peer's public key is of low order and gives no secrecy; let the peer make a new key.", nameof(remotePublic));
        }
        (Device, Tag, RemotePublic) = (device, tag, remotePublic.ToArray());
        presharedKey.CopyTo(PresharedKey);
        LastLabel = device.GreatestSent();
        Cookies = new CookieJar(remotePublic);
    }

    /// <summary>Anything of the caller's.</summary>
    public object? Tag { get; set; }
    /// <summary>The lane whose thread opens this peer's datagrams and runs its timers.</summary>
    public int Lane { get; init; }
    /// <summary>The remote's static key, 32 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => RemotePublic;
    /// <summary>Keys to send with, read without a lock; null or expired: queue the packet and begin a handshake.</summary>
    public TransportKeypair? SendKeypair => _sendKeypair;
    /// <summary>When the last session was confirmed, milliseconds since 1970 UTC; 0 for never.</summary>
    public long LastHandshakeUnixMs => Interlocked.Read(ref _lastHandshakeUnixMs);

    /// <summary>Under <see cref="Sync"/>: installs a new session as the Linux implementation does (noise.c, add_new_keypair).</summary>
    internal void Install(TransportKeypair keypair)
    {
        if (keypair.IsInitiator)
        {
            if (_next is not null)
            {
                Drop(_current);
                (_previous, _next) = (SwapPrevious(_next), null);
            }
            else
            {
                _previous = SwapPrevious(_current);
            }
            _current = keypair;
            _sendKeypair = keypair;
            Completed();
            _confirmationOwed = true;
        }
        else
        {
            Drop(_next);
            _next = keypair;
            _previous = SwapPrevious(null);
        }
        _lastSession = Device.Time.GetTimestamp();
        _hasKeys = true;
    }

    /// <summary>The first authenticated packet on a session we answered: from now on it is used to send.</summary>
    internal void Confirm(TransportKeypair keypair)
    {
        lock (Sync)
        {
            if (!ReferenceEquals(_next, keypair))
            {
                return;
            }
            _previous = SwapPrevious(_current);
            (_current, _next) = (keypair, null);
            _sendKeypair = keypair;
            ClearPending();
            Completed();
        }
    }

    /// <summary>Under <see cref="Sync"/>: keeps the response to an initiation until its session is confirmed.</summary>
    internal void KeepResponse(ReadOnlySpan<byte> initiation, ReadOnlySpan<byte> response)
    {
        initiation[..AuthenticatedBytes].CopyTo(_answered);
        response[.._response.Length].CopyTo(_response);
    }

    /// <summary>Under <see cref="Sync"/>: the kept response, when the initiation is the one it answered (its MACs aside), nobody has
    /// used the session yet, and the initiator may still wait for it.</summary>
    internal bool TryRepeatResponse(ReadOnlySpan<byte> initiation, long now, Span<byte> response)
    {
        if (_next is not { } session || now - session.CreatedAt > Device.Time.After(0, HandshakeClock.RekeyTimeout)
            || !initiation[..AuthenticatedBytes].SequenceEqual(_answered))
        {
            return false;
        }
        _response.CopyTo(response);
        return true;
    }

    internal void ClearPending()
    {
        if (Pending is null)
        {
            return;
        }
        Device.Indexes.TryRemove(Pending.LocalIndex, out _);
        Pending.Dispose();
        Pending = null;
    }

    /// <summary>Under <see cref="Sync"/>: zeroes every key of sessions and handshakes.</summary>
    internal void ZeroKeys()
    {
        _sendKeypair = null;
        Drop(_current);
        Drop(_previous);
        Drop(_next);
        _current = _previous = _next = null;
        while (_retired.TryDequeue(out TransportKeypair? keypair))
        {
            Forget(keypair);
        }
        ClearPending();
        _hasKeys = false;
    }

    private void DisposeRetired(long now)
    {
        while (_retired.TryPeek(out TransportKeypair? keypair) && !keypair.IsAlive(now))
        {
            Forget(_retired.Dequeue());
        }
    }

    private void Forget(TransportKeypair keypair)
    {
        Device.Indexes.TryRemove(keypair.LocalIndex, out _);
        keypair.Dispose();
    }

    internal void Remove()
    {
        lock (Sync)
        {
            Removed = true;
            ZeroKeys();
            StopTimers();
            CryptographicOperations.ZeroMemory(PresharedKey);
        }
    }

    private TransportKeypair? SwapPrevious(TransportKeypair? keypair)
    {
        Drop(_previous);
        return keypair;
    }

    private void Drop(TransportKeypair? keypair)
    {
        if (keypair is null)
        {
            return;
        }
        // Until its age ends it may still receive: after simultaneous initiations each side sends on the session it began, and
        // drops the other's while datagrams on it are under way. Bounded, so that a peer that keeps shaking hands fills no memory.
        if (_retired.Count == MaxRetired)
        {
            Forget(_retired.Dequeue());
        }
        _retired.Enqueue(keypair);
    }

    private void Completed()
    {
        Interlocked.Exchange(ref _lastHandshakeUnixMs, Device.Time.GetUtcNow().ToUnixTimeMilliseconds());
        (_retransmitSet, _attemptSet, _lastMinuteSent) = (false, false, false);
    }
}
