namespace TunnelMesh.Node.LocalApi;

/// <summary>The resolver of names of the mesh.</summary>
public sealed record DnsReport
{
    /// <summary>Where it listens, UDP and TCP.</summary>
    public required IReadOnlyList<string> Listen { get; init; }
    /// <summary>How the system is set up: <c>systemd-resolved</c>, <c>resolvconf</c>, <c>networkmanager</c>, <c>resolv.conf</c>, <c>resolver</c>, <c>nrpt</c>; null when it is not.</summary>
    public string? System { get; init; }
    /// <summary>How often somebody had taken that away, and it was set up again.</summary>
    public int SystemRestored { get; init; }
    /// <summary>What does not work, for people; null when all is well.</summary>
    public string? Problem { get; init; }
    /// <summary>Names it knows: devices, aliases and <c>this</c>.</summary>
    public required int Names { get; init; }
    /// <summary>Aliases this device has in the mesh.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }
    /// <summary>Servers that are asked for names of others, in order.</summary>
    public required IReadOnlyList<string> Servers { get; init; }
    /// <summary>Queries answered from the mesh's names.</summary>
    public required long Answered { get; init; }
    /// <summary>Queries refused.</summary>
    public required long Refused { get; init; }
    /// <summary>Queries sent on to another server.</summary>
    public required long Forwarded { get; init; }
    /// <summary>Of these, those that nobody answered.</summary>
    public required long ForwardFailures { get; init; }
    /// <summary>Messages that came to nothing, by reason: <c>malformed</c>, <c>stranger</c>, <c>rate_limited</c>, <c>unsent</c>; <c>crowded</c>, which were told so, since too many questions on names of others are on their way.</summary>
    public required IReadOnlyDictionary<string, long> Drops { get; init; }
}
