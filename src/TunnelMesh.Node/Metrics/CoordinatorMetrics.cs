namespace TunnelMesh.Node.Metrics;

/// <summary>What a coordinator adds to the metrics of its device.</summary>
public sealed record CoordinatorMetrics
{
    /// <summary>Control streams that live, its own device's among them.</summary>
    public required int OnlinePeers { get; init; }
    /// <summary>Messages that devices have sent over their control streams.</summary>
    public required long Heartbeats { get; init; }
    /// <summary>Relay streams that live.</summary>
    public required int RelayStreams { get; init; }
    /// <summary>Datagrams and their bytes from devices.</summary>
    public required long RelayDatagramsIn { get; init; }
    /// <inheritdoc cref="RelayDatagramsIn"/>
    public required long RelayBytesIn { get; init; }
    /// <summary>Datagrams and their bytes to devices.</summary>
    public required long RelayDatagramsOut { get; init; }
    /// <inheritdoc cref="RelayDatagramsOut"/>
    public required long RelayBytesOut { get; init; }
    /// <summary>Datagrams that the relay dropped, for whatever reason.</summary>
    public required long RelayDropped { get; init; }
}
