namespace TunnelMesh.Node.Paths;

/// <summary>What a peer's paths ask of the engine.</summary>
[Flags]
internal enum PathActions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Both sides shall probe each other now: ask over the coordinator.</summary>
    Meet = 1,

    /// <summary>Open a stream to the peer where UDP does not get through.</summary>
    OpenStream = 2,

    /// <summary>Nothing answers although there are keys: the peer may have lost its own.</summary>
    Handshake = 4,
}
