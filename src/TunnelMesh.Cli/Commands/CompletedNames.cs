namespace TunnelMesh.Cli.Commands;

/// <summary>Whose names may stand where the cursor is; the running peer is asked for them.</summary>
[Flags]
internal enum CompletedNames
{
    /// <summary>Nobody's.</summary>
    None = 0,
    /// <summary>Devices of the mesh.</summary>
    Devices = 1,
    /// <summary>Groups, as a coordinator has them.</summary>
    Groups = 2,
    /// <summary>Groups that somebody has made, as a coordinator has them.</summary>
    MadeGroups = 4,
    /// <summary>Groups as rules of the packet filter have them, <c>group:NAME</c>; every peer knows them.</summary>
    GroupSources = 8,
    /// <summary>Devices that let the traffic of others out to the internet.</summary>
    ExitPeers = 16,
    /// <summary>Numbers of tokens that are valid, as a coordinator has them.</summary>
    Tokens = 32,
}
