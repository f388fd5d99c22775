namespace TunnelMesh.Node.Nat;

/// <summary>Counts behind <see cref="PortMapperCounters"/>. Any thread.</summary>
internal sealed class MappingCounts
{
    private long _made, _renewed, _lost, _restarts, _lies;

    public PortMapperCounters Read() =>
        new(Interlocked.Read(ref _made), Interlocked.Read(ref _renewed), Interlocked.Read(ref _lost), Interlocked.Read(ref _restarts), Interlocked.Read(ref _lies));

    public void Made() => Interlocked.Increment(ref _made);

    public void Renewed() => Interlocked.Increment(ref _renewed);

    public void Lost() => Interlocked.Increment(ref _lost);

    public void Restarted() => Interlocked.Increment(ref _restarts);

    public void Lied() => Interlocked.Increment(ref _lies);
}
