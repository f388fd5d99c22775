namespace TunnelMesh.Node.LocalApi;

/// <summary>One line from a client.</summary>
public sealed record LocalRequest
{
    /// <summary>One of <see cref="LocalCommands"/>.</summary>
    public required string Command { get; init; }
    /// <summary>Name to resolve; of <c>ping</c>, <c>doctor</c> and <c>transports</c> the device that is meant: name, mesh address or device ID; of <c>names_yield</c> the context that takes over.</summary>
    public string? Name { get; init; }
    /// <summary>Device ID to revoke; null when a user is meant.</summary>
    public string? DeviceId { get; init; }
    /// <summary>Peer ID of the user to revoke with all devices; null when a device is meant.</summary>
    public string? PeerId { get; init; }
    /// <summary>Token to revoke.</summary>
    public long? TokenId { get; init; }
    /// <summary>Whether the devices that the token has admitted are revoked, too.</summary>
    public bool WithPeers { get; init; }
    /// <summary>How long a new token admits devices; null for ever.</summary>
    public long? LifeSeconds { get; init; }
    /// <summary>How many devices a new token admits; null for any number.</summary>
    public long? Uses { get; init; }
    /// <summary>Of <c>transports</c>: the other device of a pair, named as the first; null when the order holds towards all devices.</summary>
    public string? With { get; init; }
    /// <summary>Order of transports to keep, empty to keep none any more; null to list only.</summary>
    public IReadOnlyList<string>? Transports { get; init; }
    /// <summary>Name of the group that is meant.</summary>
    public string? Group { get; init; }
    /// <summary>Who is put into the group or taken out of it: a user's peer ID, or a device, which stands for its user: name, mesh address or device ID.</summary>
    public string? Member { get; init; }
    /// <summary>The rule to add or remove.</summary>
    public FilterRuleRequest? Rule { get; init; }
    /// <summary>How long a ping waits for its answer, in milliseconds.</summary>
    public int TimeoutMs { get; init; }
    /// <summary>Leave even when the coordinator cannot be told.</summary>
    public bool Force { get; init; }
}
