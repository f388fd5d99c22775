namespace TunnelMesh.Platform.Sockets;

/// <summary>How datagrams of equal size become trains, wherever a system can send such, and one by one where it or the path cannot.</summary>
public static unsafe class Trains
{
    /// <summary>Most datagrams of a train: Linux's UDP_MAX_SEGMENTS before 6.9.</summary>
    public const int MaxSegments = 64;

    /// <summary>Most bytes of a train: the payload of the largest IPv4 packet.</summary>
    public const int MaxBytes = 65507;

    /// <summary>Sends datagrams to one destination, in order.</summary>
    /// <param name="datagrams">The payloads, one behind the other.</param>
    /// <param name="segmentSize">Bytes of each payload but the last, at least 1.</param>
    /// <param name="destination">Where to; for <paramref name="refusals"/>.</param>
    /// <param name="trains">False where the system has no trains.</param>
    /// <param name="refusals">Destinations that get none, for now.</param>
    /// <param name="sender">The system's calls. A struct, so that they are called directly.</param>
    /// <returns>How many datagrams were refused.</returns>
    internal static int Send<T>(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination, bool trains, SegmentationRefusals refusals, in T sender)
        where T : struct, ITrainSender
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentSize, 1);
        int perTrain = Math.Max(1, Math.Min(MaxSegments, MaxBytes / segmentSize));
        int refused = 0;
        fixed (byte* p = datagrams)
        {
            for (int at = 0; at < datagrams.Length;)
            {
                int length = (int)Math.Min(datagrams.Length - at, (long)perTrain * segmentSize);
                if (length <= segmentSize)
                {
                    refused += sender.SendOne(p + at, length) ? 0 : 1;
                }
                else if (!trains || refusals.Contains(destination))
                {
                    refused += sender.SendSingly(p + at, length, segmentSize);
                }
                else
                {
                    switch (sender.SendTrain(p + at, length, segmentSize))
                    {
                        case TrainResult.NotAsTrain:
                            refusals.Add(destination);
                            refused += sender.SendSingly(p + at, length, segmentSize);
                            break;
                        case TrainResult.Refused:
                            refused += CountOf(length, segmentSize);
                            break;
                    }
                }

                at += length;
            }
        }

        return refused;
    }

    /// <summary>How many datagrams <paramref name="length"/> bytes are.</summary>
    public static int CountOf(int length, int segmentSize) => (int)((length + (long)segmentSize - 1) / segmentSize);
}
