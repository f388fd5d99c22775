using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace TunnelMesh.Protocol.Noise;

/// <summary>This device as WireGuard sees it: its key, its peers by public key, and sessions and handshakes by receiver
/// index. Thread-safe.</summary>
public sealed partial class WireGuardDevice
{
    internal readonly LocalStatic Local;
    internal readonly TimeProvider Time;
    internal readonly ConcurrentDictionary<uint, PeerIndexEntry> Indexes = new();
    private readonly ConcurrentDictionary<UInt128, WireGuardPeer> _peers = new();
    private readonly Action<Span<byte>> _random;
    private readonly CookieResponder _cookies;
    private readonly HandshakeRateLimiter _limiter;
    private readonly ITai64nStore? _store;
    private readonly Lock _clockLock = new();
    private Tai64n _lastSent;

    /// <summary>Creates a device without peers.</summary>
    /// <param name="local">Its key; stays the caller's to dispose, after the device is out of use.</param>
    /// <param name="time">Timers use its timestamps, TAI64N its wall clock.</param>
    /// <param name="random">Fills a span with cryptographic randomness, from any thread: <c>RandomNumberGenerator.Fill</c> for real use.</param>
    /// <param name="lastSent">Remembers the last TAI64N across restarts; null for none.</param>
    public WireGuardDevice(LocalStatic local, TimeProvider time, Action<Span<byte>> random, ITai64nStore? lastSent)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(random);
        (Local, Time, _random) = (local, time, random);
        _cookies = new CookieResponder(local, time, random);
        _limiter = new HandshakeRateLimiter(time);
        _store = lastSent;
    }

    /// <summary>Handshake datagrams by result.</summary>
    public WireGuardCounters Counters { get; } = new();

    /// <summary>How many lanes the peers are spread over, 1 to 256: the first byte of each receiver index names the lane of its peer.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>The lane that a receiver index belongs to.</summary>
    /// <param name="receiverIndex">As it stands in a message, little endian.</param>
    public int LaneOf(uint receiverIndex) => (int)(receiverIndex & 0xff) % Lanes;

    /// <summary>Makes a peer and adds it.</summary>
    /// <param name="remotePublic">32 bytes, raw X25519.</param>
    /// <param name="presharedKey">32 bytes, or empty for none.</param>
    /// <param name="tag">Anything of the caller's.</param>
    /// <exception cref="ArgumentException">A key has the wrong length or is of low order, or the peer is there already.</exception>
    public WireGuardPeer AddPeer(ReadOnlySpan<byte> remotePublic, ReadOnlySpan<byte> presharedKey, object? tag)
    {
        var peer = new WireGuardPeer(this, remotePublic, presharedKey, tag);
        AddPeer(peer);
        return peer;
    }

    /// <summary>Adds a peer that was made for this device; from now on other threads may meet it.</summary>
    /// <exception cref="ArgumentException">A peer with its public key is there already, or its lane is none of this device's.</exception>
    public void AddPeer(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentOutOfRangeException.ThrowIfNegative(peer.Lane);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(peer.Lane, Lanes);
        if (!_peers.TryAdd(KeyOf(peer.RemotePublic), peer))
        {
            throw new ArgumentException("A peer with this public key is there already; remove it first.", nameof(peer));
        }
    }

    /// <summary>Removes a peer and zeroes its keys. Nothing happens when it is gone already. A thread that seals or opens with
    /// them at that moment ends first, or finds the session expired.</summary>
    public void RemovePeer(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        _peers.TryRemove(new KeyValuePair<UInt128, WireGuardPeer>(KeyOf(peer.RemotePublic), peer));
        peer.Remove();
    }

    /// <summary>Finds the session a transport message is addressed to. Takes no lock.</summary>
    /// <param name="receiverIndex">Bytes 4 to 8 of the datagram, little endian.</param>
    /// <param name="keypair">The session's keys.</param>
    /// <param name="peer">Whose session it is.</param>
    public bool TryFindKeypair(uint receiverIndex, [NotNullWhen(true)] out TransportKeypair? keypair, [NotNullWhen(true)] out WireGuardPeer? peer)
    {
        Indexes.TryGetValue(receiverIndex, out PeerIndexEntry? entry);
        (keypair, peer) = (entry?.Keypair, entry?.Peer);
        return keypair is not null;
    }

    /// <summary>What the peer's timers ask for now. Call at or after <see cref="NextDeadline"/>; more often does no harm.</summary>
    public PeerTimerActions RunTimers(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        lock (peer.Sync)
        {
            return peer.RunTimers(Time.GetTimestamp());
        }
    }

    /// <summary>For when <see cref="PeerTimerActions.SendInitiation"/> is asked for and there is no address to send to: it is asked
    /// for again as if this one had been lost, and given up in the end.</summary>
    public void PostponeHandshake(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        lock (peer.Sync)
        {
            peer.PostponeInitiation(Time.GetTimestamp());
        }
    }

    /// <summary>When to run the peer's timers next, a <see cref="TimeProvider.GetTimestamp"/> value; <see cref="long.MaxValue"/>
    /// for not before something happens. Ask again after each handshake event and each run.</summary>
    public long NextDeadline(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        lock (peer.Sync)
        {
            return peer.NextDeadline(Time.GetTimestamp());
        }
    }

    /// <summary>The greatest label sent to anybody so far, those before a restart included: one that is sent to a new peer must be later.</summary>
    internal Tai64n GreatestSent()
    {
        lock (_clockLock)
        {
            // The store keeps units of 100 ns, which a rounded label always is but for the remainder below 100 ns.
            if (_lastSent == default && _store?.Load() is > 0 and var stored)
            {
                _lastSent = Tai64n.From(DateTimeOffset.UnixEpoch.AddTicks(stored)).Next();
            }
            return _lastSent;
        }
    }

    // Later than the last one to this peer, not than those to others: else many handshakes at once, a label each 17 ms, would drive the labels ever further ahead of the
    // clock, and a machine that is set back to an old copy of itself would be locked out for as long.
    private Tai64n NextTimestamp(WireGuardPeer peer)
    {
        lock (_clockLock)
        {
            Tai64n now = Tai64n.From(Time.GetUtcNow());
            if (now <= peer.LastLabel)
            {
                now = peer.LastLabel.Next();
            }
            peer.LastLabel = now;
            if (now > _lastSent)
            {
                _lastSent = now;
                _store?.Save((long)(now.Seconds - Tai64n.From(DateTimeOffset.UnixEpoch).Seconds) * TimeSpan.TicksPerSecond + now.Nanoseconds / 100);
            }
            return now;
        }
    }

    private static UInt128 RateKey(ReadOnlySpan<byte> source)
    {
        int address = source.Length switch { 4 or 6 => 4, 16 or 18 => 16, _ => 0 };
        return address > 0 ? HandshakeRateLimiter.KeyOf(new IPAddress(source[..address])) : KeyOf(source);
    }

    internal long Jitter()
    {
        Span<byte> bytes = stackalloc byte[4];
        _random(bytes);
        uint milliseconds = BinaryPrimitives.ReadUInt32LittleEndian(bytes) % (334);
        return Time.After(0, TimeSpan.FromMilliseconds(milliseconds));
    }

    private uint Reserve(PeerIndexEntry entry)
    {
        Span<byte> bytes = stackalloc byte[4];
        while (true)
        {
            _random(bytes);
            uint index = InLane(BinaryPrimitives.ReadUInt32LittleEndian(bytes), entry.Peer.Lane);
            if (Indexes.TryAdd(index, entry))
            {
                return index;
            }
        }
    }

    private uint InLane(uint index, int lane)
    {
        int first = (int)(index & 0xff);
        first += lane - (first % Lanes);
        return (index & ~0xffu) | (uint)(first > 0xff ? first - Lanes : first);
    }

    private WireGuardPeer? FindPeer(ReadOnlySpan<byte> publicKey) =>
        _peers.TryGetValue(KeyOf(publicKey), out WireGuardPeer? peer) && peer.RemotePublic.AsSpan().SequenceEqual(publicKey) ? peer : null;

    // Keys are hashed so that nobody can aim at one bucket or at one shortened key.
    private static UInt128 KeyOf(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> digest = stackalloc byte[32];
        NoiseHash.Hash(publicKey, default, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }
}
