using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>The live control streams, one a device, and the presence that follows from them. Thread-safe.</summary>
internal sealed class ControlSessions(LiveMap map, TimeProvider time, ILogger log)
{
    /// <summary>Seconds after which a program whose device is in use on two machines may ask again.</summary>
    internal const int InUseRetrySeconds = 60;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ControlSession> _live = [];
    private readonly Dictionary<string, DeviceUse> _uses = [];
    private Dictionary<string, long> _seen = [];
    private volatile int _count;

    /// <summary>What became of a new stream.</summary>
    internal enum Entry
    {
        /// <summary>It is the device's stream now.</summary>
        Accepted,

        /// <summary>The device is in use on two machines.</summary>
        InUse,

        /// <summary>The device is no member.</summary>
        Unknown,
    }

    /// <summary>Live streams.</summary>
    internal int Count => _count;

    /// <summary>Makes a stream the device's only one: the device is online.</summary>
    internal Entry Enter(ControlSession session, Reachability reach)
    {
        string id = session.DeviceId;
        if (map.Find(id) is not { } device)
        {
            return Entry.Unknown;
        }
        ControlSession? previous;
        bool accepted;
        lock (_lock)
        {
            if (!_uses.TryGetValue(id, out DeviceUse? use))
            {
                _uses.Add(id, use = new DeviceUse(time));
            }
            bool replaces = _live.TryGetValue(id, out previous);
            accepted = use.Enter(session.Instance, session.Address, replaces);
            if (accepted)
            {
                // Membership is asked again with this: a device revoked in between does not get in.
                if (!map.SetPresence(id, true, Now(), reach))
                {
                    return Entry.Unknown;
                }
                _live[id] = session;
                _count = _live.Count;
            }
            else if (replaces)
            {
                Remove(previous!);
            }
        }
        if (!accepted)
        {
            previous?.End(InUseError(device.Name));
            CoordinatorLog.InUse(log, device.Name, id, session.Address);
            return Entry.InUse;
        }
        if (previous is null)
        {
            CoordinatorLog.Online(log, device.Name, id, session.Address);
        }
        else
        {
            previous.End(null, WebSocketCloseStatus.NormalClosure, "replaced by a newer stream of this device");
            CoordinatorLog.Replaced(log, id, session.Address, previous.Address);
        }
        return Entry.Accepted;
    }

    /// <summary>A stream has ended; when it was the device's, the device is offline.</summary>
    internal void Leave(ControlSession session)
    {
        lock (_lock)
        {
            if (!_live.TryGetValue(session.DeviceId, out ControlSession? live) || live != session)
            {
                return;
            }
            Remove(session);
        }
        CoordinatorLog.Offline(log, map.Find(session.DeviceId)?.Name ?? "a device that left", session.DeviceId);
    }

    /// <summary>The device's endpoints changed; ignored when the stream is not the device's any more.</summary>
    internal void Move(ControlSession session, Reachability reach)
    {
        lock (_lock)
        {
            if (_live.TryGetValue(session.DeviceId, out ControlSession? live) && live == session)
            {
                map.SetPresence(session.DeviceId, true, Now(), reach);
            }
        }
    }

    /// <summary>Tells a device that another one wants to meet it now; nothing when it is not here.</summary>
    /// <param name="session">Who wants to.</param>
    /// <param name="deviceId">Whom.</param>
    /// <param name="meeting">Where the first one is.</param>
    internal void Introduce(ControlSession session, string deviceId, Meeting meeting)
    {
        lock (_lock)
        {
            if (_live.TryGetValue(deviceId, out ControlSession? other) && other != session && _live.GetValueOrDefault(session.DeviceId) == session)
            {
                other.Tell(meeting);
            }
        }
    }

    /// <summary>There is something new to send.</summary>
    internal void WakeAll()
    {
        lock (_lock)
        {
            foreach (ControlSession session in _live.Values)
            {
                session.Wake();
            }
        }
    }

    /// <summary>Ends the streams of some devices with a last message.</summary>
    internal void End(IEnumerable<string> deviceIds, ErrorMessage error)
    {
        lock (_lock)
        {
            foreach (string id in deviceIds)
            {
                if (_live.TryGetValue(id, out ControlSession? session))
                {
                    Remove(session);
                    session.End(error);
                }
            }
        }
    }

    /// <summary>Ends every stream because the coordinator stops; the devices try again by themselves.</summary>
    internal void EndAll()
    {
        lock (_lock)
        {
            foreach (ControlSession session in _live.Values.ToArray())
            {
                Remove(session);
                session.End(null, WebSocketCloseStatus.EndpointUnavailable, "the coordinator stops");
            }
        }
    }

    /// <summary>Cuts streams whose viewer takes nothing, and forgets what is too old to matter.</summary>
    internal void Sweep()
    {
        ControlSession[] stalled;
        lock (_lock)
        {
            stalled = [.. _live.Values.Where(s => s.IsStalled)];
            foreach ((string id, DeviceUse use) in _uses.Where(u => u.Value.IsOld && !_live.ContainsKey(u.Key)).ToArray())
            {
                _uses.Remove(id);
            }
        }
        foreach (ControlSession session in stalled)
        {
            session.Abort();
            CoordinatorLog.Stalled(log, session.DeviceId);
        }
    }

    /// <summary>Takes the times at which devices went since the last call, and now for those that are online, if wanted.</summary>
    internal IReadOnlyCollection<KeyValuePair<string, long>> TakeSeen(bool online)
    {
        lock (_lock)
        {
            Dictionary<string, long> seen = _seen;
            _seen = [];
            if (online)
            {
                long now = Now();
                foreach (string id in _live.Keys)
                {
                    seen[id] = now;
                }
            }
            return seen;
        }
    }

    /// <summary>Puts back what could not be stored.</summary>
    internal void ReturnSeen(IReadOnlyCollection<KeyValuePair<string, long>> seen)
    {
        lock (_lock)
        {
            foreach ((string id, long at) in seen)
            {
                _seen.TryAdd(id, at);
            }
        }
    }

    /// <summary>Told to both programs that use one device key.</summary>
    internal static ErrorMessage InUseError(string name) => new()
    {
        Code = ControlErrorCodes.DeviceInUse,
        Message = $"The device {name} is in use on two machines: its context directory was copied. On the copy, stop tunnelmesh, remove the context directory and join again with the token; the other one then returns by itself within {DeviceUse.Memory.TotalSeconds + InUseRetrySeconds:0} seconds.",
        RetryAfterSeconds = InUseRetrySeconds,
    };

    private long Now() => time.GetUtcNow().ToUnixTimeSeconds();

    private void Remove(ControlSession session)
    {
        string id = session.DeviceId;
        _live.Remove(id);
        _count = _live.Count;
        _seen[id] = Now();
        map.SetPresence(id, false, Now(), null);
    }
}
