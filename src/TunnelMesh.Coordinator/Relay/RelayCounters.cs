namespace TunnelMesh.Coordinator.Relay;

/// <summary>What the relay has done since the start. Every datagram that came in has gone out, waits, or is in one of the drops.</summary>
public sealed record RelayCounters
{
    /// <summary>Streams that live now.</summary>
    public required int Streams { get; init; }
    /// <summary>Messages of datagrams from devices.</summary>
    public required long FramesIn { get; init; }
    /// <summary>Datagrams from devices.</summary>
    public required long DatagramsIn { get; init; }
    /// <summary>Bytes of these datagrams.</summary>
    public required long BytesIn { get; init; }
    /// <summary>Messages of datagrams to devices; several may have been joined.</summary>
    public required long FramesOut { get; init; }
    /// <summary>Datagrams to devices.</summary>
    public required long DatagramsOut { get; init; }
    /// <summary>Bytes of these datagrams.</summary>
    public required long BytesOut { get; init; }
    /// <summary>Datagrams dropped because their destination's queue was full.</summary>
    public required long DroppedFull { get; init; }
    /// <summary>Datagrams dropped because their destination has no stream.</summary>
    public required long DroppedNotHere { get; init; }
    /// <summary>Datagrams dropped because their sender is over its rate.</summary>
    public required long DroppedRate { get; init; }
    /// <summary>Datagrams dropped because their destination's stream ended while they waited.</summary>
    public required long DroppedEnded { get; init; }
    /// <summary>Messages dropped because their lengths do not fit together.</summary>
    public required long FramesDamaged { get; init; }
    /// <summary>Messages of a kind this version does not know.</summary>
    public required long FramesUnknown { get; init; }
    /// <summary>Bytes that wait in the queues now.</summary>
    public required long Waiting { get; init; }
    /// <summary>Streams that were replaced by a newer one of the same device.</summary>
    public required long Replaced { get; init; }
    /// <summary>Streams cut because they took nothing.</summary>
    public required long Stalled { get; init; }
    /// <summary>Streams cut because they said nothing.</summary>
    public required long Silent { get; init; }
    /// <summary>Streams ended because they broke the protocol.</summary>
    public required long Violations { get; init; }
}
