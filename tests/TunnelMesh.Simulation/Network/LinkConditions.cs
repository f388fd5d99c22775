namespace TunnelMesh.Simulation.Network;

/// <summary>One direction of a link. Probabilities are from 0 to 1 and independent of each other.</summary>
internal sealed record LinkConditions
{
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Added to the latency, evenly spread from nothing to this: neighbours overtake each other.</summary>
    public TimeSpan Jitter { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    /// <summary>Probability of being held back by <see cref="ReorderDelay"/>.</summary>
    public double Reordering { get; init; }

    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Largest IP packet in bytes; larger ones vanish without a word.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Bytes a second with headers; 0 for no limit.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>How long a datagram may have to wait for its turn before it is dropped; matters with limited bandwidth.</summary>
    public TimeSpan QueueLimit { get; init; } = TimeSpan.FromMilliseconds(200);
}
