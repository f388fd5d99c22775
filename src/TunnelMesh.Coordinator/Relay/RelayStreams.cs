using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>The live relay streams, one a device, and the way from one to another. Thread-safe; datagrams take no lock but their destination's.</summary>
internal sealed class RelayStreams(LiveMap map, RelayOptions options, RelayTally tally, TimeProvider time, ILogger log)
{
    private const long LeastBurst = 256 << 10;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<UInt128, RelayStream> _live = [];

    // Who has asked for a device that had no stream.
    private readonly Dictionary<UInt128, HashSet<RelayStream>> _missed = [];
    private readonly Dictionary<UInt128, ByteBudget> _budgets = [];

    // Streams that were told to end, until their reader has gone.
    private readonly HashSet<RelayStream> _ending = [];
    private bool _stopped;

    /// <summary>Live streams.</summary>
    internal int Count => _live.Count;

    /// <summary>Makes a stream the device's only one. False: the device is no member, or the coordinator stops.</summary>
    internal bool Enter(RelayStream stream)
    {
        RelayStream? previous;
        lock (_lock)
        {
            // Whoever is removed leaves the map first and is looked for here then, under this lock: so nobody slips in between.
            if (_stopped || map.Find(stream.DeviceId) is null)
            {
                return false;
            }
            stream.Budget = BudgetOf(stream.Device);
            if (_live.TryGetValue(stream.Device, out previous))
            {
                EndOne(previous, WebSocketCloseStatus.NormalClosure, "replaced by a newer stream of this device");
            }
            _live[stream.Device] = stream;
            if (_missed.Remove(stream.Device, out HashSet<RelayStream>? waiting))
            {
                foreach (RelayStream other in waiting)
                {
                    other.Missed!.Remove(stream.Device);
                    other.Tell(stream.Device, RelayFrameKind.Here);
                }
            }
        }
        if (previous is not null)
        {
            Interlocked.Increment(ref tally.Replaced);
            CoordinatorLog.RelayReplaced(log, stream.DeviceId, stream.Address, previous.Address);
        }
        return true;
    }

    /// <summary>A stream has ended.</summary>
    internal void Leave(RelayStream stream)
    {
        lock (_lock)
        {
            if (_live.TryGetValue(stream.Device, out RelayStream? live) && live == stream)
            {
                _live.TryRemove(stream.Device, out _);
            }
            _ending.Remove(stream);
            foreach (UInt128 device in stream.Missed ?? [])
            {
                if (_missed.TryGetValue(device, out HashSet<RelayStream>? waiting) && waiting.Remove(stream) && waiting.Count == 0)
                {
                    _missed.Remove(device);
                }
            }
            stream.Missed = null;
        }
    }

    /// <summary>Passes datagrams on; their message names the destination, and the source afterwards.</summary>
    /// <param name="from">Whose stream they came on: the source is what its certificate says.</param>
    /// <param name="message">Sound.</param>
    /// <returns>True when the array was kept.</returns>
    internal bool Pass(RelayStream from, in RelayBuffer message)
    {
        int datagrams = message.Datagrams;
        Interlocked.Increment(ref tally.FramesIn);
        Interlocked.Add(ref tally.DatagramsIn, datagrams);
        Interlocked.Add(ref tally.BytesIn, message.DatagramBytes);
        if (from.Budget is { } budget && !budget.TryTake(message.DatagramBytes))
        {
            Interlocked.Add(ref tally.DroppedRate, datagrams);
            return false;
        }
        UInt128 to = RelayFrame.Device(message.Array);
        if (_live.TryGetValue(to, out RelayStream? destination) || !Miss(from, to, out destination))
        {
            RelayFrame.WriteDevice(message.Array, from.Device);
            return destination.Carry(from.Device, message);
        }
        Interlocked.Add(ref tally.DroppedNotHere, datagrams);
        return false;
    }

    /// <summary>Ends the streams of devices that are no members any more.</summary>
    internal void End(IEnumerable<string> deviceIds, string code)
    {
        lock (_lock)
        {
            foreach (string id in deviceIds)
            {
                if (RelayHandler.TryParse(id, out UInt128 device) && _live.TryRemove(device, out RelayStream? stream))
                {
                    EndOne(stream, WebSocketCloseStatus.PolicyViolation, code);
                }
            }
        }
    }

    /// <summary>Ends every stream because the coordinator stops; the devices try again by themselves.</summary>
    internal void EndAll()
    {
        lock (_lock)
        {
            _stopped = true;
            foreach (RelayStream stream in _live.Values)
            {
                _live.TryRemove(stream.Device, out _);
                EndOne(stream, WebSocketCloseStatus.EndpointUnavailable, "the coordinator stops");
            }
        }
    }

    /// <summary>Asks streams that are silent, cuts those that stay silent or take nothing, and forgets what is too old to matter.</summary>
    internal void Sweep()
    {
        List<RelayStream> overdue;
        lock (_lock)
        {
            overdue = [.. _ending.Where(s => s.IsOverdue)];
            foreach ((UInt128 device, ByteBudget budget) in _budgets.Where(b => !_live.ContainsKey(b.Key) && b.Value.IsFull).ToArray())
            {
                _budgets.Remove(device);
            }
        }
        overdue.ForEach(s => s.Abort());
        foreach ((_, RelayStream stream) in _live)
        {
            TimeSpan silence = stream.Silence;
            if (stream.IsStalled)
            {
                Interlocked.Increment(ref tally.Stalled);
                CoordinatorLog.RelayStalled(log, stream.DeviceId);
                Cut(stream);
            }
            else if (silence >= options.CutAfter)
            {
                Interlocked.Increment(ref tally.Silent);
                CoordinatorLog.RelaySilent(log, stream.DeviceId, silence.TotalSeconds);
                Cut(stream);
            }
            else if (silence >= options.AskAfter)
            {
                stream.Ask();
            }
        }
    }

    /// <summary>A protocol violation was seen.</summary>
    internal void Violated(RelayStream stream, string code, string reason)
    {
        Interlocked.Increment(ref tally.Violations);
        CoordinatorLog.RelayEnded(log, stream.DeviceId, code, reason);
        lock (_lock)
        {
            _live.TryRemove(new KeyValuePair<UInt128, RelayStream>(stream.Device, stream));
            EndOne(stream, WebSocketCloseStatus.PolicyViolation, code);
        }
    }

    /// <summary>The numbers now.</summary>
    internal RelayCounters Read() => tally.Read(Count);

    // At once no destination any more; its reader ends by itself.
    private void Cut(RelayStream stream)
    {
        _live.TryRemove(new KeyValuePair<UInt128, RelayStream>(stream.Device, stream));
        stream.Abort();
    }

    private void EndOne(RelayStream stream, WebSocketCloseStatus status, string reason)
    {
        stream.End(status, reason);
        _ending.Add(stream);
    }

    // Tells the sender, and notes to tell it again when the device comes. False when the device has just come.
    private bool Miss(RelayStream from, UInt128 device, [NotNullWhen(false)] out RelayStream? destination)
    {
        lock (_lock)
        {
            if (_live.TryGetValue(device, out destination))
            {
                return false;
            }
            from.Missed ??= [];
            if (from.Missed.Count < RelayStream.MaxMissed && from.Missed.Add(device))
            {
                if (!_missed.TryGetValue(device, out HashSet<RelayStream>? waiting))
                {
                    _missed.Add(device, waiting = []);
                }
                waiting.Add(from);
            }
            from.Tell(device, RelayFrameKind.NotHere);
            return true;
        }
    }

    // Of the device, not the stream: coming again does not save it anything.
    private ByteBudget? BudgetOf(UInt128 device)
    {
        if (options.RateLimit <= 0)
        {
            return null;
        }
        if (!_budgets.TryGetValue(device, out ByteBudget? budget))
        {
            long burst = options.Burst > 0 ? options.Burst : Math.Max(options.RateLimit, LeastBurst);
            _budgets.Add(device, budget = new ByteBudget(options.RateLimit, burst, time));
        }
        return budget;
    }
}
