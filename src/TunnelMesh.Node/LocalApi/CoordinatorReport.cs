namespace TunnelMesh.Node.LocalApi;

/// <summary>The control stream of a peer.</summary>
public sealed record CoordinatorReport
{
    /// <summary>URL of the coordinator.</summary>
    public required string Url { get; init; }
    /// <summary><c>connected</c>, <c>silent</c> (it was connected, and has not answered in time), <c>connecting</c> or <c>disconnected</c>.</summary>
    public required string State { get; init; }
    /// <summary>Since when, of a silent one when it was heard last; ISO 8601 in UTC; null before the first attempt.</summary>
    public DateTimeOffset? Since { get; init; }
}
