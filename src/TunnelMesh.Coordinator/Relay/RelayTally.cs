namespace TunnelMesh.Coordinator.Relay;

/// <summary>The running numbers behind <see cref="RelayCounters"/>; added to with <see cref="Interlocked"/> by every stream.</summary>
internal sealed class RelayTally
{
    internal long FramesIn, DatagramsIn, BytesIn, FramesOut, DatagramsOut, BytesOut;
    internal long DroppedFull, DroppedNotHere, DroppedRate, DroppedEnded, FramesDamaged, FramesUnknown;
    internal long Waiting, Replaced, Stalled, Silent, Violations;

    internal RelayCounters Read(int streams) => new()
    {
        Streams = streams,
        FramesIn = Interlocked.Read(ref FramesIn),
        DatagramsIn = Interlocked.Read(ref DatagramsIn),
        BytesIn = Interlocked.Read(ref BytesIn),
        FramesOut = Interlocked.Read(ref FramesOut),
        DatagramsOut = Interlocked.Read(ref DatagramsOut),
        BytesOut = Interlocked.Read(ref BytesOut),
        DroppedFull = Interlocked.Read(ref DroppedFull),
        DroppedNotHere = Interlocked.Read(ref DroppedNotHere),
        DroppedRate = Interlocked.Read(ref DroppedRate),
        DroppedEnded = Interlocked.Read(ref DroppedEnded),
        FramesDamaged = Interlocked.Read(ref FramesDamaged),
        FramesUnknown = Interlocked.Read(ref FramesUnknown),
        Waiting = Interlocked.Read(ref Waiting),
        Replaced = Interlocked.Read(ref Replaced),
        Stalled = Interlocked.Read(ref Stalled),
        Silent = Interlocked.Read(ref Silent),
        Violations = Interlocked.Read(ref Violations),
    };
}
