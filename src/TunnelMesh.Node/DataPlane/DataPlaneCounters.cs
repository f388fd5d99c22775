namespace TunnelMesh.Node.DataPlane;

/// <summary>How many packets were dropped, by reason, and how many went through in how many batches. Any thread reads; one alone counts batches.</summary>
public sealed class DataPlaneCounters
{
    private readonly long[] _drops = new long[Enum.GetValues<DropReason>().Length];

    private long _sealedPackets, _sealedBatches, _openedPackets, _openedBatches, _outPackets, _outBytes;

    /// <summary>Packets sealed since start.</summary>
    public long SealedPackets => Volatile.Read(ref _sealedPackets);

    /// <summary>Batches they were sealed in.</summary>
    public long SealedBatches => Volatile.Read(ref _sealedBatches);

    /// <summary>Datagrams opened since start, whatever was in them.</summary>
    public long OpenedPackets => Volatile.Read(ref _openedPackets);

    /// <summary>Batches they were opened in.</summary>
    public long OpenedBatches => Volatile.Read(ref _openedBatches);

    /// <summary>Packets on their way to the internet since start: into the tunnel to the exit peer, or out of the mesh on an exit peer. Super-packets count by their segments.</summary>
    public long OutPackets => Volatile.Read(ref _outPackets);

    /// <summary>Bytes of these packets.</summary>
    public long OutBytes => Volatile.Read(ref _outBytes);

    /// <summary>Packets dropped for a reason since start.</summary>
    /// <param name="reason">The reason.</param>
    public long this[DropReason reason] => Interlocked.Read(ref _drops[(int)reason]);

    /// <summary>The sum of several threads' counters, as they are now.</summary>
    internal static DataPlaneCounters Sum(IEnumerable<DataPlaneCounters> parts)
    {
        var sum = new DataPlaneCounters();
        foreach (DataPlaneCounters part in parts)
        {
            for (int i = 0; i < sum._drops.Length; i++)
            {
                sum._drops[i] += Interlocked.Read(ref part._drops[i]);
            }

            sum._sealedPackets += part.SealedPackets;
            sum._sealedBatches += part.SealedBatches;
            sum._openedPackets += part.OpenedPackets;
            sum._openedBatches += part.OpenedBatches;
            sum._outPackets += part.OutPackets;
            sum._outBytes += part.OutBytes;
        }

        return sum;
    }

    /// <summary>Counts drops.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="count">How many.</param>
    internal void Drop(DropReason reason, int count = 1) => Interlocked.Add(ref _drops[(int)reason], count);

    /// <summary>Counts a sealed batch.</summary>
    internal void Sealed(int packets)
    {
        Volatile.Write(ref _sealedPackets, _sealedPackets + packets);
        Volatile.Write(ref _sealedBatches, _sealedBatches + 1);
    }

    /// <summary>Counts an opened batch.</summary>
    internal void Opened(int packets)
    {
        Volatile.Write(ref _openedPackets, _openedPackets + packets);
        Volatile.Write(ref _openedBatches, _openedBatches + 1);
    }

    /// <summary>Counts packets on their way to the internet.</summary>
    internal void SentOut(int packets, int bytes)
    {
        Volatile.Write(ref _outPackets, _outPackets + packets);
        Volatile.Write(ref _outBytes, _outBytes + bytes);
    }
}
