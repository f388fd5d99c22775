using System.Diagnostics.CodeAnalysis;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Everything the data plane keeps for one remote device. Owned by the thread of its lane; any thread may send, read the statistics
/// and leave packets for the owner.
/// </summary>
internal sealed class PeerTunnel
{
    /// <summary>Bounds of the queue that waits for a session.</summary>
    public const int MaxWaitingPackets = 128, MaxWaitingBytes = 256 * 1024;

    private readonly TimeProvider _time;
    private readonly PacketQueue _waiting = new(MaxWaitingPackets, MaxWaitingBytes);
    private long _rxBytes, _txBytes, _rttTicks = -1, _lastDataAt = long.MinValue;
    private int _posted, _held;

    public PeerTunnel(PeerSpec spec, TimeProvider time)
    {
        _time = time;
        Spec = spec;
        Endpoints = new EndpointKeeper(time);
        Repeater = new InitiationRepeater(time);
        Meter = new RoundTripMeter(time);
        Candidates = [.. spec.Candidates.Select(UdpEndpoint.From)];
    }

    /// <summary>The WireGuard side; set right after construction, since it refers back to this.</summary>
    public WireGuardPeer Session { get; set; } = null!;

    public PeerSpec Spec { get; private set; }

    public UdpEndpoint[] Candidates { get; private set; }

    public EndpointKeeper Endpoints { get; }

    public InitiationRepeater Repeater { get; }

    public RoundTripMeter Meter { get; }

    /// <summary>True while packets wait here or on their way to the owner: a newer one has to line up behind them. Any thread.</summary>
    public bool HasBacklog => Volatile.Read(ref _posted) != 0 || Volatile.Read(ref _held) != 0;

    /// <summary>Timestamp at which the timers are looked at next; of a new one, at once.</summary>
    public long Deadline { get; set; } = long.MinValue;

    /// <summary>Timestamp of the last inner packet either way; null when there was none.</summary>
    public long? LastDataAt => Volatile.Read(ref _lastDataAt) is var at && at == long.MinValue ? null : at;

    /// <summary>Timestamp of the last authenticated datagram from the peer; null when there was none.</summary>
    public long? LastHeardAt { get; set; }

    /// <summary>Takes over candidates and settings that changed; keys stay. By one thread at a time, not the owner's.</summary>
    public void Update(PeerSpec spec)
    {
        Spec = spec;
        Candidates = [.. spec.Candidates.Select(UdpEndpoint.From)];
        Session.PersistentKeepaliveSeconds = spec.PersistentKeepaliveSeconds;
    }

    /// <summary>A packet is on its way to the owner. Any thread.</summary>
    public void NotePosted() => Interlocked.Increment(ref _posted);

    /// <summary>The owner has it, or it was lost.</summary>
    public void NoteTaken() => Interlocked.Decrement(ref _posted);

    /// <summary>Puts a packet into the queue that waits for a session; how many were lost for it.</summary>
    public int Wait(ReadOnlySpan<byte> packet, long now)
    {
        int lost = _waiting.Enqueue(packet, now);
        Volatile.Write(ref _held, _waiting.Count);
        return lost;
    }

    /// <summary>Takes the oldest waiting packet if it came before a timestamp.</summary>
    public bool TryTakeWaiting(long before, [NotNullWhen(true)] out byte[]? packet)
    {
        bool taken = _waiting.TryDequeueOlder(before, out packet);
        Volatile.Write(ref _held, _waiting.Count);
        return taken;
    }

    /// <summary>Any thread.</summary>
    public void NoteSentData(int bytes, long now)
    {
        Interlocked.Add(ref _txBytes, bytes);
        Volatile.Write(ref _lastDataAt, now);
    }

    public void NoteReceivedData(int bytes, long now)
    {
        Volatile.Write(ref _rxBytes, _rxBytes + bytes);
        Volatile.Write(ref _lastDataAt, now);
    }

    public void NoteRoundTrip(TimeSpan roundTrip) => Volatile.Write(ref _rttTicks, roundTrip.Ticks);

    public PeerStats GetStats()
    {
        UdpEndpoint endpoint = Endpoints.Current;
        bool live = !endpoint.IsNone && Session.SendKeypair is { } keys && keys.IsAlive(_time.GetTimestamp());
        long rtt = Volatile.Read(ref _rttTicks), handshake = Session.LastHandshakeUnixMs;
        return new PeerStats
        {
            DeviceId = Spec.DeviceId,
            Path = live ? "udp" : "none",
            Endpoint = endpoint.IsNone ? null : endpoint.ToString(),
            RttMs = live && rtt >= 0 ? rtt / (double)TimeSpan.TicksPerMillisecond : null,
            RxBytes = Volatile.Read(ref _rxBytes),
            TxBytes = Volatile.Read(ref _txBytes),
            LastHandshakeUnix = handshake == 0 ? null : handshake / 1000,
        };
    }
}
