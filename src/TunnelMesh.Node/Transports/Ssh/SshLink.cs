using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>
/// The way to one device: its open streams, of which one carries, and whether it is time to dial. Any thread.
/// </summary>
/// <remarks>
/// When both dial at once there are two streams. Both sides keep the one that the device with the smaller ID has dialled, once it has answered a heartbeat: the other
/// side may not have it yet, or, since a device that dials knows of no stream, not any more. Until then the other one carries. Then each stops sending on that one,
/// sends what waits there, and reads it to its end, so nothing is lost; what is sent on the new one just then may overtake what is under way on the old one.
/// </remarks>
internal sealed class SshLink
{
    // Beside the one that carries, those that are being ended. A device that opens more is not to be humoured.
    private const int MaxStreams = 4;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromMinutes(1);

    // A device joins before it says where it is: who wanted to speak to it just then does not have to ask again.
    private static readonly TimeSpan WishLife = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Lock _telling = new();
    private readonly List<SshStream> _streams = [];
    private readonly TimeProvider _time;
    private readonly Action<bool> _tell;
    private readonly bool _oursIsKept;
    private volatile SshStream? _current;
    private SshStream? _doubted;
    private bool _dialling, _dialAgain, _removed, _told;
    private CancellationTokenSource? _dial;
    private long _nextDial;
    private long? _wantedAt;
    private TimeSpan _pause = FirstPause;

    /// <summary>A link without a stream.</summary>
    /// <param name="peer">The device.</param>
    /// <param name="self">Our device ID.</param>
    /// <param name="time">Clock.</param>
    /// <param name="tell">Called when the way opens or closes, in this order.</param>
    public SshLink(SshPeer peer, UInt128 self, TimeProvider time, Action<bool> tell)
    {
        (Peer, _time, _tell) = (peer, time, tell);
        _oursIsKept = self < peer.DeviceId;
        _nextDial = time.GetTimestamp();
    }

    /// <summary>The device, as the newest list has it.</summary>
    public SshPeer Peer { get; private set; }

    /// <summary>True while there are streams to look after.</summary>
    public bool NeedsTick => _current is not null;

    /// <summary>What carries now.</summary>
    public SshStream? Current => _current;

    /// <summary>Why the last dialling failed; null when it did not.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>The device's entry in a newer list, with the same key; new endpoints are dialled without the old ones' pause.</summary>
    /// <returns>True when a connection was wanted a moment ago and could not be tried: the caller asks <see cref="TryBeginDial"/> again.</returns>
    public bool Update(SshPeer peer)
    {
        lock (_lock)
        {
            bool changed = !peer.Endpoints.SequenceEqual(Peer.Endpoints);
            if (changed)
            {
                _pause = FirstPause;
                _nextDial = _time.GetTimestamp();
            }
            Peer = peer;
            return changed && IsWanted;
        }
    }

    /// <summary>True when the caller should dial now; it then calls <see cref="Dialled"/>.</summary>
    public bool TryBeginDial()
    {
        if (_current is not null || Volatile.Read(ref _dialling))
        {
            return false;
        }
        lock (_lock)
        {
            if (_removed || _dialling || _current is not null)
            {
                return false;
            }
            if (Peer.Endpoints.Count == 0 || _time.GetTimestamp() < _nextDial)
            {
                _wantedAt = _time.GetTimestamp();
                return false;
            }
            (_dialling, _dialAgain, _wantedAt) = (true, false, null);
            return true;
        }
    }

    /// <summary>What ends the dialling that has begun; the caller's, and of no use any more after <see cref="Dialled"/>.</summary>
    public void NoteDialling(CancellationTokenSource dial)
    {
        lock (_lock)
        {
            _dial = dial;
        }
    }

    /// <summary>The network of this machine has changed: there is no pause any more, and what is being dialled, perhaps from an address that is gone, ends and is to begin anew.</summary>
    /// <returns>True when a connection was wanted a moment ago and could not be tried: the caller asks <see cref="TryBeginDial"/> again.</returns>
    public bool NoteNetworkChanged()
    {
        lock (_lock)
        {
            _pause = FirstPause;
            _nextDial = _time.GetTimestamp();
            if (_dial is not null)
            {
                _dialAgain = true;
                _ = _dial.CancelAsync();
            }
            return !_dialling && IsWanted;
        }
    }

    /// <summary>Dialling has ended.</summary>
    /// <param name="dialled">Whose endpoints were dialled; when there are others now, they are not made to wait.</param>
    /// <param name="failure">Why it failed; null when a stream is open.</param>
    /// <returns>True when it ended because the network had changed: the caller asks <see cref="TryBeginDial"/> again.</returns>
    public bool Dialled(SshPeer dialled, string? failure)
    {
        lock (_lock)
        {
            (_dialling, _dial) = (false, null);
            LastFailure = failure;
            // Also where it led to a stream, which the change of the network has ended by now.
            if (_dialAgain && _current is null)
            {
                return !_removed;
            }
            if (failure is null || !dialled.Endpoints.SequenceEqual(Peer.Endpoints))
            {
                _pause = FirstPause;
            }
            else
            {
                _nextDial = _time.After(_time.GetTimestamp(), _pause);
                _pause = _pause * 2 > LongestPause ? LongestPause : _pause * 2;
            }
            return false;
        }
    }

    /// <summary>A stream is open.</summary>
    public void Add(SshStream stream)
    {
        SshStream? surplus = null;
        lock (_lock)
        {
            if (_removed)
            {
                stream.Disconnect(SshDisconnectReason.ByApplication, "not a peer any more");
                return;
            }
            foreach (SshStream older in _streams)
            {
                if (older.IsDialled == stream.IsDialled)
                {
                    older.End();
                }
            }
            if (_streams.Count >= MaxStreams)
            {
                surplus = _streams[0];
                _streams.RemoveAt(0);
            }
            _streams.Add(stream);
            if (_streams.Find(s => IsKept(s) && s.IsOpen) is { } kept && _streams.Exists(s => !IsKept(s) && s.IsOpen))
            {
                _doubted = kept;
                kept.Heartbeat();
            }
            Choose();
        }
        surplus?.Abort();
        Tell();
    }

    /// <summary>A stream carries no more, or is over.</summary>
    /// <param name="stream">Which.</param>
    /// <param name="over">True when nothing more comes of it.</param>
    public void Drop(SshStream stream, bool over)
    {
        lock (_lock)
        {
            if (over)
            {
                _streams.Remove(stream);
            }
            Choose();
        }
        Tell();
    }

    /// <summary>Looks after the streams; several times a second.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            Choose();
        }
        Tell();
    }

    /// <summary>The device is no peer any more: its streams end this instant.</summary>
    public void Remove()
    {
        SshStream[] streams;
        lock (_lock)
        {
            _removed = true;
            streams = [.. _streams];
            _streams.Clear();
            _current = null;
        }
        Array.ForEach(streams, s => s.Abort());
        Tell();
    }

    private bool IsWanted => _wantedAt is { } wanted && _time.GetElapsedTime(wanted) < WishLife;

    private bool IsKept(SshStream stream) => stream.IsDialled == _oursIsKept;

    private void Choose()
    {
        SshStream? kept = _streams.FindLast(s => IsKept(s) && s.IsOpen), other = _streams.FindLast(s => !IsKept(s) && s.IsOpen);
        if (_doubted is not null && (_doubted != kept || other is null || !kept.IsHeartbeatOut))
        {
            _doubted = null;
        }
        if (kept is not null && other is not null && _doubted is null)
        {
            other.End();
            other = null;
        }
        _current = _doubted is null ? kept ?? other : other;
    }

    // In the order in which it happened, and outside the lock that senders' neighbours take.
    private void Tell()
    {
        lock (_telling)
        {
            bool open = _current is not null;
            if (open != _told)
            {
                _told = open;
                _tell(open);
            }
        }
    }
}
