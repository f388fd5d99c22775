namespace TunnelMesh.Cli.Hosting;

/// <summary>Exit codes of the program; the numbers are stable and listed in docs/cli.md.</summary>
internal enum ExitCode
{
    /// <summary>Done.</summary>
    Ok = 0,
    /// <summary>Any failure without a code of its own.</summary>
    General = 1,
    /// <summary>Wrong command line.</summary>
    Usage = 2,
    /// <summary>The configuration, the token or the home directory cannot be used.</summary>
    Configuration = 3,
    /// <summary>Missing rights, or no TUN driver.</summary>
    Permission = 4,
    /// <summary>Network trouble, or the other side cannot be reached.</summary>
    Network = 5,
    /// <summary>Refused by the other side (wrong token, revoked, not allowed), or the other side has not proved itself.</summary>
    Refused = 6,
    /// <summary>No peer is running here, or it has not joined yet.</summary>
    NotRunning = 7,
    /// <summary>A port, interface, control socket or the coordinator's state is in use.</summary>
    InUse = 8,
    /// <summary>A key, state or cache file is damaged, or of a kind that cannot be used.</summary>
    DamagedState = 9,
    /// <summary>The other side speaks another protocol version, or a newer program wrote the state.</summary>
    VersionMismatch = 10,
    /// <summary>The clock is wrong.</summary>
    Clock = 11,
}
