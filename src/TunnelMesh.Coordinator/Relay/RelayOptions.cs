namespace TunnelMesh.Coordinator.Relay;

/// <summary>How a coordinator relays.</summary>
public sealed record RelayOptions
{
    /// <summary>False: there is no relay, as if the path did not exist.</summary>
    public bool Enabled { get; init; } = true;
    /// <summary>
    /// Bytes a second that one device may send through; 0 for as many as it can. What is beyond is dropped and counted, not delayed, since a stream that is held
    /// up holds its heartbeat up too. Unlimited by default: whoever floods takes nothing from others at the same destination, whose queue is shared in turns.
    /// </summary>
    public long RateLimit { get; init; }
    /// <summary>Bytes that may be saved up under <see cref="RateLimit"/>; 0 for one second's, but no less than 256 KiB.</summary>
    public long Burst { get; init; }
    /// <summary>Memory of the messages that wait for one destination, in bytes; the oldest of whoever has most are dropped beyond it.</summary>
    public int QueueBytes { get; init; } = 1 << 20;
    /// <summary>The same of all destinations together; beyond it each has <see cref="ReserveBytes"/> only.</summary>
    public long QueueBytesInAll { get; init; } = 256L << 20;
    /// <summary>What every destination has, however much the others hold.</summary>
    public int ReserveBytes { get; init; } = 128 << 10;
    /// <summary>How long one message may take to be taken over by its destination, before the destination's stream is cut.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>A stream that was silent for this long is asked for a sign of life.</summary>
    public TimeSpan AskAfter { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>A stream that was silent for this long is cut.</summary>
    public TimeSpan CutAfter { get; init; } = TimeSpan.FromSeconds(13.5);
}
