namespace TunnelMesh.Node.Transports.Relay;

/// <summary>The running numbers behind <see cref="RelayTransportCounters"/>; added to with <see cref="Interlocked"/>.</summary>
internal sealed class RelayTally
{
    internal long FramesSent, DatagramsSent, BytesSent, FramesReceived, DatagramsReceived, BytesReceived;
    internal long DroppedFull, DroppedEnded, DroppedBySink, FramesDamaged, FramesUnknown, NotHere, Opened, Silent;

    internal RelayTransportCounters Read() => new()
    {
        FramesSent = Interlocked.Read(ref FramesSent),
        DatagramsSent = Interlocked.Read(ref DatagramsSent),
        BytesSent = Interlocked.Read(ref BytesSent),
        FramesReceived = Interlocked.Read(ref FramesReceived),
        DatagramsReceived = Interlocked.Read(ref DatagramsReceived),
        BytesReceived = Interlocked.Read(ref BytesReceived),
        DroppedFull = Interlocked.Read(ref DroppedFull),
        DroppedEnded = Interlocked.Read(ref DroppedEnded),
        DroppedBySink = Interlocked.Read(ref DroppedBySink),
        FramesDamaged = Interlocked.Read(ref FramesDamaged),
        FramesUnknown = Interlocked.Read(ref FramesUnknown),
        NotHere = Interlocked.Read(ref NotHere),
        Opened = Interlocked.Read(ref Opened),
        Silent = Interlocked.Read(ref Silent),
    };
}
