namespace TunnelMesh.Protocol.Ssh;

/// <summary>What a read brought.</summary>
public enum SshEvent
{
    /// <summary>Nothing yet: more bytes are needed.</summary>
    NeedMore,

    /// <summary>A message was taken; there may be something to write now.</summary>
    Handled,

    /// <summary>Client: the server holds the key it should. Nothing has told it who we are; <see cref="SshConnection.Authenticate"/> goes on.</summary>
    HostVerified,

    /// <summary>The channel is open: datagrams may go both ways.</summary>
    Open,

    /// <summary>Channel data has come, whole frames of <see cref="DatagramFrames"/>.</summary>
    Data,

    /// <summary>The other side sends no more datagrams, and wants us to end as well.</summary>
    RemoteEnded,

    /// <summary>The connection is over; <see cref="SshConnection.Failure"/> tells why. What there is to write should still be tried.</summary>
    Closed,
}
