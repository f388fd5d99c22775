namespace TunnelMesh.Protocol.Noise;

/// <summary>How many handshake datagrams ended in each result. Thread-safe.</summary>
public sealed class WireGuardCounters
{
    private readonly long[] _counts = new long[(int)HandshakeResult.Forged + 1];

    /// <summary>Datagrams with that result since start.</summary>
    public long this[HandshakeResult result] => Interlocked.Read(ref _counts[(int)result]);

    internal HandshakeResult Count(HandshakeResult result)
    {
        Interlocked.Increment(ref _counts[(int)result]);
        return result;
    }
}
