using System.Net;
using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>
/// Logs what strangers are refused, so many lines in a row and then one every few seconds: a log that anybody can fill would take the disk from the state.
/// What was left out is counted and told with the next line. Thread-safe.
/// </summary>
internal sealed class RefusalLog(ILogger log, TimeProvider time)
{
    /// <summary>Lines in a row, and seconds until there is room for one more.</summary>
    internal const int Burst = 60, SecondsPerLine = 2;

    private readonly Lock _lock = new();
    private double _room = Burst;
    private long _last = time.GetTimestamp(), _left;

    /// <summary>A join or renewal was refused.</summary>
    internal void Join(IPAddress address, string code, string reason)
    {
        if (Take())
        {
            CoordinatorLog.JoinRefused(log, address, code, reason);
        }
    }

    /// <summary>A control stream was refused.</summary>
    internal void Stream(IPAddress address, string reason)
    {
        if (Take())
        {
            CoordinatorLog.StreamRefused(log, address, reason);
        }
    }

    /// <summary>A connection could not be served at all.</summary>
    internal void Connection(IPAddress address, Exception reason)
    {
        if (Take())
        {
            CoordinatorLog.ConnectionFailed(log, address, reason);
        }
    }

    private bool Take()
    {
        long left;
        lock (_lock)
        {
            long now = time.GetTimestamp();
            _room = Math.Min(Burst, _room + (time.GetElapsedTime(_last, now).TotalSeconds / SecondsPerLine));
            _last = now;
            if (_room < 1)
            {
                _left++;
                return false;
            }
            _room--;
            left = _left;
            _left = 0;
        }
        if (left > 0)
        {
            CoordinatorLog.RefusalsLeftOut(log, left);
        }
        return true;
    }
}
