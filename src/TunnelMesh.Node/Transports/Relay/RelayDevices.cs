using System.Collections.Concurrent;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Transports.Relay;

/// <summary>Which devices somebody wants to reach over the relay, and which of them have no stream there. Tells the sink of changes. Thread-safe.</summary>
/// <param name="sink">Told.</param>
/// <param name="notHereTime">How long a device without a stream counts as closed.</param>
/// <param name="time">Clock.</param>
internal sealed class RelayDevices(ICarrierSink sink, TimeSpan notHereTime, TimeProvider time)
{
    /// <summary>Devices noted at most, more than a mesh has addresses for; those beyond work, but the sink is not told of them.</summary>
    internal const int MaxDevices = 65_536;

    private readonly ConcurrentDictionary<UInt128, byte> _wanted = [];
    private readonly ConcurrentDictionary<UInt128, long> _away = [];
    private volatile int _awayCount, _wantedCount;

    /// <summary>True when the device was said to have no stream, not long ago.</summary>
    internal bool IsAway(UInt128 device) => _awayCount > 0 && _away.TryGetValue(device, out long since) && time.GetElapsedTime(since) < notHereTime;

    /// <summary>True while devices are away that are to be tried again.</summary>
    internal bool SomeAway => _awayCount > 0;

    /// <summary>Somebody wants to know when the way to a device opens or closes.</summary>
    internal void Want(UInt128 device)
    {
        if (!_wanted.ContainsKey(device) && _wantedCount < MaxDevices && _wanted.TryAdd(device, 0))
        {
            _wantedCount = _wanted.Count;
        }
    }

    /// <summary>A device has no stream.</summary>
    internal void Miss(UInt128 device)
    {
        if (_awayCount >= MaxDevices)
        {
            return;
        }
        bool news = !_away.ContainsKey(device);
        _away[device] = time.GetTimestamp();
        _awayCount = _away.Count;
        if (news)
        {
            Tell(device, false);
        }
    }

    /// <summary>A device has spoken, or is said to be here.</summary>
    internal void Find(UInt128 device)
    {
        if (_awayCount > 0 && _away.TryRemove(device, out _))
        {
            _awayCount = _away.Count;
            Tell(device, true);
        }
    }

    /// <summary>Tries again those that have been away for long enough.</summary>
    internal void Expire()
    {
        if (_awayCount == 0)
        {
            return;
        }
        foreach ((UInt128 device, long since) in _away)
        {
            if (time.GetElapsedTime(since) >= notHereTime)
            {
                Find(device);
            }
        }
    }

    /// <summary>The stream itself has opened or closed; a new one knows of nobody yet.</summary>
    internal void TellAll(bool open)
    {
        _away.Clear();
        _awayCount = 0;
        foreach (UInt128 device in _wanted.Keys)
        {
            Tell(device, open);
        }
    }

    private void Tell(UInt128 device, bool open) => sink.NoteOpen(PathAddress.Over(PathTransport.Relay, device), open);
}
