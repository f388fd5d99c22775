namespace TunnelMesh.Coordinator.Api;

/// <summary>Kinds of <see cref="PeerMessage"/>.</summary>
internal enum PeerMessageKind
{
    /// <summary>A message of the protocol.</summary>
    Message,

    /// <summary>Sound JSON of a type this version does not know.</summary>
    UnknownType,

    /// <summary>Not a message of the protocol at all.</summary>
    Damaged,

    /// <summary>Larger than the protocol allows.</summary>
    TooLarge,

    /// <summary>The peer said goodbye.</summary>
    Closed,
}
