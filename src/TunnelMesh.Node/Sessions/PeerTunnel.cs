using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Everything the engine keeps for one remote device. Owned by the engine's thread; <see cref="GetStats"/> may be called
/// by any.
/// </summary>
internal sealed class PeerTunnel
{
    /// <summary>Bounds of the queue that waits for a session.</summary>
    public const int MaxWaitingPackets = 128, MaxWaitingBytes = 256 * 1024;

    private readonly TimeProvider _time;
    private long _rxBytes, _txBytes, _rttTicks = -1;

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

    public PacketQueue Waiting { get; } = new(MaxWaitingPackets, MaxWaitingBytes);

    /// <summary>Timestamp at which the timers are looked at next.</summary>
    public long Deadline { get; set; } = long.MaxValue;

    /// <summary>Timestamp of the last inner packet either way; null when there was none.</summary>
    public long? LastDataAt { get; private set; }

    /// <summary>Timestamp of the last authenticated datagram from the peer; null when there was none.</summary>
    public long? LastHeardAt { get; set; }

    /// <summary>Takes over candidates and settings that changed; keys stay.</summary>
    public void Update(PeerSpec spec)
    {
        Spec = spec;
        Candidates = [.. spec.Candidates.Select(UdpEndpoint.From)];
        Session.PersistentKeepaliveSeconds = spec.PersistentKeepaliveSeconds;
    }

    public void NoteSentData(int bytes, long now)
    {
        Volatile.Write(ref _txBytes, _txBytes + bytes);
        LastDataAt = now;
    }

    public void NoteReceivedData(int bytes, long now)
    {
        Volatile.Write(ref _rxBytes, _rxBytes + bytes);
        LastDataAt = now;
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
