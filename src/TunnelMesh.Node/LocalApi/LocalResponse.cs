namespace TunnelMesh.Node.LocalApi;

/// <summary>One line to a client: an error, or the answer to the command.</summary>
public sealed record LocalResponse
{
    /// <summary>True when the command was done.</summary>
    public required bool Ok { get; init; }
    /// <summary>One of <see cref="LocalErrorCodes"/>, null when <see cref="Ok"/>.</summary>
    public string? Error { get; init; }
    /// <summary>The error for people.</summary>
    public string? Message { get; init; }
    /// <summary>Answer to <c>status</c>.</summary>
    public StatusReport? Status { get; init; }
    /// <summary>Answer to <c>peers</c>.</summary>
    public IReadOnlyList<PeerReport>? Peers { get; init; }
    /// <summary>Answer to <c>resolve</c>.</summary>
    public ResolveReport? Resolved { get; init; }
    /// <summary>Answer to <c>ping</c>.</summary>
    public PingReport? Ping { get; init; }
    /// <summary>Answer to <c>netcheck</c>.</summary>
    public NetCheckReport? NetCheck { get; init; }
    /// <summary>Answer to <c>doctor</c>.</summary>
    public IReadOnlyList<DiagnosisReport>? Diagnoses { get; init; }
    /// <summary>Answer to <c>revoke</c>.</summary>
    public RevokeReport? Revoked { get; init; }
    /// <summary>Answer to <c>tokens</c>.</summary>
    public IReadOnlyList<TokenReport>? Tokens { get; init; }
    /// <summary>Answer to <c>create_token</c>. Secret.</summary>
    public NewTokenReport? NewToken { get; init; }
    /// <summary>Answer to <c>revoke_token</c>.</summary>
    public TokenRevokeReport? RevokedToken { get; init; }
    /// <summary>Answer to <c>transports</c>.</summary>
    public IReadOnlyList<TransportReport>? Transports { get; init; }
    /// <summary>Answer to <c>groups</c>.</summary>
    public IReadOnlyList<GroupReport>? Groups { get; init; }
    /// <summary>Answer to <c>group_members</c>.</summary>
    public IReadOnlyList<GroupMemberReport>? GroupMembers { get; init; }
    /// <summary>Answer to what changes a group.</summary>
    public GroupChangeReport? GroupChange { get; init; }
    /// <summary>Answer to <c>filter</c>, and to what changes it: as it is then.</summary>
    public FilterReport? Filter { get; init; }
    /// <summary>Answer to <c>names_take</c> and <c>names_yield</c>: the resolver as it is then.</summary>
    public DnsReport? Dns { get; init; }
    /// <summary>Answer to <c>leave</c>: false when only this machine has forgotten the mesh.</summary>
    public bool? CoordinatorTold { get; init; }
}
