namespace TunnelMesh.Node.Filter;

/// <summary>How far a connection is.</summary>
[Flags]
internal enum ConnectionFlags : byte
{
    /// <summary>The other device began it: rules decide about each of its packets, and what answers it is no flow of ours.</summary>
    None = 0,

    /// <summary>This device began it: what comes back passes.</summary>
    Ours = 1,

    /// <summary>TCP: the other side has answered our SYN with its own.</summary>
    Answered = 2,

    /// <summary>TCP: this side has sent FIN.</summary>
    FinSent = 4,

    /// <summary>TCP: the other side has sent FIN.</summary>
    FinReceived = 8,

    /// <summary>TCP: one side has sent RST.</summary>
    Reset = 16,
}
