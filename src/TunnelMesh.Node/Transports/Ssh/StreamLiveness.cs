using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>When the heart of a stream beats, and when a stream is given up. Pure.</summary>
internal static class StreamLiveness
{
    /// <summary>Datagrams that nothing was heard after for so long are followed by a heartbeat.</summary>
    public static readonly TimeSpan Unanswered = TimeSpan.FromSeconds(1);

    /// <summary>A silent stream beats its heart after this time.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <summary>With a heartbeat unanswered, and nothing else heard, for so long a stream is given up.</summary>
    public static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(4);

    /// <summary>Things are heard, but for so long no answer came: our own direction is stuck.</summary>
    public static readonly TimeSpan OneWayLimit = TimeSpan.FromSeconds(15);

    /// <summary>Judges a stream.</summary>
    /// <param name="time">Gives the unit of timestamps.</param>
    /// <param name="now">Current timestamp.</param>
    /// <param name="heard">When a sound packet was read last.</param>
    /// <param name="sent">When datagrams were taken for sending last.</param>
    /// <param name="heartbeatSince">When the heartbeat was asked for that has no answer yet; null when there is none.</param>
    public static StreamHealth Judge(TimeProvider time, long now, long heard, long sent, long? heartbeatSince)
    {
        if (heartbeatSince is { } since)
        {
            return now >= time.After(Math.Max(since, heard), AnswerLimit) || now >= time.After(since, OneWayLimit) ? StreamHealth.Dead : StreamHealth.Fine;
        }
        bool unanswered = sent >= heard && now >= time.After(heard, Unanswered);
        return unanswered || now >= time.After(heard, Silence) ? StreamHealth.Quiet : StreamHealth.Fine;
    }
}
