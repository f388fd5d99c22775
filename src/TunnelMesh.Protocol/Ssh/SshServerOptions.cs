namespace TunnelMesh.Protocol.Ssh;

/// <summary>What a server needs.</summary>
public sealed record SshServerOptions : SshOptions
{
    /// <summary>Who may log in.</summary>
    public required SshAuthorizer Authorize { get; init; }

    /// <summary>This device: a channel that is meant for another one with the same identity key is refused.</summary>
    public required UInt128 Device { get; init; }
}
