namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>What the SSH transport has counted since its start. Any thread reads and counts.</summary>
public sealed class SshCounters
{
    private long _accepted, _opened, _refused, _cut, _sent, _received, _droppedOldest, _noRoom, _badFrames, _silent, _rekeys, _moved;

    /// <summary>Connections accepted, whosoever.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Connections, ours and accepted ones, that became open.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    /// <summary>Accepted connections that ended before they were a peer's.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Of these: cut because there were too many.</summary>
    public long Cut => Interlocked.Read(ref _cut);

    /// <summary>Connections that were open and were given up because nothing came back.</summary>
    public long Silent => Interlocked.Read(ref _silent);

    /// <summary>Connections given up because this machine lost the address they left from.</summary>
    public long Moved => Interlocked.Read(ref _moved);

    /// <summary>Key exchanges after a connection's first.</summary>
    public long Rekeys => Interlocked.Read(ref _rekeys);

    /// <summary>Datagrams handed to the kernel.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Datagrams received.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Datagrams that were taken for sending and then dropped, oldest first, since newer ones wanted the room, or since the connection was lost.</summary>
    public long DroppedWaiting => Interlocked.Read(ref _droppedOldest);

    /// <summary>Datagrams received for which the other side of this process had no room.</summary>
    public long NoRoom => Interlocked.Read(ref _noRoom);

    /// <summary>Messages whose frames were unsound; what followed in them was dropped.</summary>
    public long BadFrames => Interlocked.Read(ref _badFrames);

    internal void CountAccepted() => Interlocked.Increment(ref _accepted);

    internal void CountOpened() => Interlocked.Increment(ref _opened);

    internal void CountRefused() => Interlocked.Increment(ref _refused);

    internal void CountCut() => Interlocked.Increment(ref _cut);

    internal void CountSilent() => Interlocked.Increment(ref _silent);

    internal void CountMoved() => Interlocked.Increment(ref _moved);

    internal void CountRekeys(int exchanges) => Interlocked.Add(ref _rekeys, exchanges);

    internal void CountSent(int datagrams) => Interlocked.Add(ref _sent, datagrams);

    internal void CountReceived(int datagrams) => Interlocked.Add(ref _received, datagrams);

    internal void CountDroppedWaiting(int datagrams) => Interlocked.Add(ref _droppedOldest, datagrams);

    internal void CountNoRoom(int datagrams) => Interlocked.Add(ref _noRoom, datagrams);

    internal void CountBadFrame() => Interlocked.Increment(ref _badFrames);
}
