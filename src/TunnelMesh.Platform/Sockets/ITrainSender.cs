namespace TunnelMesh.Platform.Sockets;

/// <summary>The calls of one system that send to one destination; see <see cref="Trains.Send"/>.</summary>
internal unsafe interface ITrainSender
{
    /// <summary>Sends one datagram; false when it was refused.</summary>
    bool SendOne(byte* datagram, int length);

    /// <summary>Sends up to <see cref="Trains.MaxSegments"/> datagrams, each for itself; returns how many were refused.</summary>
    int SendSingly(byte* datagrams, int length, int segmentSize);

    /// <summary>Sends up to <see cref="Trains.MaxSegments"/> datagrams with one call.</summary>
    TrainResult SendTrain(byte* datagrams, int length, int segmentSize);
}
