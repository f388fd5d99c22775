namespace TunnelMesh.Platform.Sockets;

/// <summary>What became of a train of datagrams.</summary>
internal enum TrainResult
{
    /// <summary>All of it has gone.</summary>
    Sent,

    /// <summary>The system or the path cannot send it as a train; nothing has gone.</summary>
    NotAsTrain,

    /// <summary>The system refused it, and would refuse its datagrams, too; nothing has gone.</summary>
    Refused,
}
