namespace TunnelMesh.Node.Transports.Relay;

/// <summary>What a relay transport has done since the start.</summary>
public sealed record RelayTransportCounters
{
    /// <summary>Messages of datagrams sent; several sends may have been joined.</summary>
    public required long FramesSent { get; init; }
    /// <summary>Datagrams sent.</summary>
    public required long DatagramsSent { get; init; }
    /// <summary>Bytes of these datagrams.</summary>
    public required long BytesSent { get; init; }
    /// <summary>Messages of datagrams received.</summary>
    public required long FramesReceived { get; init; }
    /// <summary>Datagrams received.</summary>
    public required long DatagramsReceived { get; init; }
    /// <summary>Bytes of these datagrams.</summary>
    public required long BytesReceived { get; init; }
    /// <summary>Datagrams that were accepted and then dropped, because newer ones found the queue full.</summary>
    public required long DroppedFull { get; init; }
    /// <summary>Datagrams that were accepted and then lost with the stream.</summary>
    public required long DroppedEnded { get; init; }
    /// <summary>Datagrams received that found no room further on.</summary>
    public required long DroppedBySink { get; init; }
    /// <summary>Messages dropped because their lengths do not fit together.</summary>
    public required long FramesDamaged { get; init; }
    /// <summary>Messages of a kind this version does not know.</summary>
    public required long FramesUnknown { get; init; }
    /// <summary>How often a device was said to have no stream.</summary>
    public required long NotHere { get; init; }
    /// <summary>Streams that stood.</summary>
    public required long Opened { get; init; }
    /// <summary>Streams given up because no answer came on them.</summary>
    public required long Silent { get; init; }
}
