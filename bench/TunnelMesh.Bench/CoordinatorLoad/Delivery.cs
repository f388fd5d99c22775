using System.Collections.Concurrent;

namespace TunnelMesh.Bench.CoordinatorLoad;

/// <summary>One map message and when each viewer had it. The bytes are the same for all, so it is decoded once.</summary>
internal sealed record Delivery(bool IsFull, string Epoch, long From, long Number, IReadOnlyList<string> Upserted)
{
    /// <summary>Stopwatch timestamps of its arrivals.</summary>
    internal ConcurrentQueue<long> Arrivals { get; } = [];
}
