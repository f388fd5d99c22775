namespace TunnelMesh.Node.Control;

/// <summary>A file of the peer's state is damaged. It has been kept aside; the message says where and what to do.</summary>
public sealed class PeerStoreException : IOException
{
    /// <summary>Creates the exception.</summary>
    public PeerStoreException() : this("a file of the peer's state is damaged") { }

    /// <summary>Creates the exception with a message.</summary>
    public PeerStoreException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public PeerStoreException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>Where the damaged file is now.</summary>
    public string KeptAs { get; init; } = "";
}
