namespace TunnelMesh.Node.LocalApi;

/// <summary>The peer's stream to the relay of a coordinator.</summary>
public sealed record RelayReport
{
    /// <summary>True while it carries: the coordinator has answered on it.</summary>
    public required bool Open { get; init; }
    /// <summary>URL of the coordinator dialled.</summary>
    public required string Url { get; init; }
    /// <summary>Since when it is open, or is not; ISO 8601 in UTC.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>True when it was open and has not answered in time: whether it still carries is about to show. <see cref="Since"/> is when it was heard last.</summary>
    public bool Silent { get; init; }
    /// <summary>Why it is not open; null when all is well.</summary>
    public string? Problem { get; init; }
    /// <summary>Round trip to the coordinator on the stream, in milliseconds; null while it is not open.</summary>
    public double? RttMs { get; init; }
    /// <summary>Datagrams sent over it.</summary>
    public required long TxDatagrams { get; init; }
    /// <summary>Datagrams received over it.</summary>
    public required long RxDatagrams { get; init; }
    /// <summary>Datagrams lost in its queue, with the stream, or for want of room behind it.</summary>
    public required long Dropped { get; init; }
}
