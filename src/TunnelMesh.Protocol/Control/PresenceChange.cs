namespace TunnelMesh.Protocol.Control;

/// <summary>
/// A device came or went, may be reached elsewhere, or is in other groups: all that changes without its signed record. A null field is unchanged, so
/// that the return of a thousand devices costs each viewer a few bytes a device and no signature check.
/// </summary>
public sealed record PresenceChange
{
    /// <summary>Device ID.</summary>
    public required string Id { get; init; }
    /// <summary>True while its control stream lives.</summary>
    public required bool Online { get; init; }
    /// <summary>Unix seconds.</summary>
    public required long LastSeen { get; init; }
    /// <summary>New candidate UDP endpoints, best first, or null.</summary>
    public IReadOnlyList<string>? Endpoints { get; init => field = WireList.OrNull(value); }
    /// <summary>New TCP port of the SSH transport, or null.</summary>
    public int? SshPort { get; init; }
    /// <summary>New transports in order of preference, or null.</summary>
    public IReadOnlyList<string>? Transports { get; init => field = WireList.OrNull(value); }
    /// <summary>New orders of transports, all of them (empty: none any more), or null.</summary>
    public IReadOnlyList<TransportPreference>? Preferences { get; init => field = WireList.OrNull(value); }
    /// <summary>Groups that its user is in now, all but <c>everyone</c> (empty: none any more), or null.</summary>
    public IReadOnlyList<string>? Groups { get; init => field = WireList.OrNull(value); }
    /// <summary>Whether it lets others' traffic out to the internet, or null.</summary>
    public bool? AllowsExit { get; init; }
    /// <summary>New program version, or null.</summary>
    public string? ProgramVersion { get; init; }
}
