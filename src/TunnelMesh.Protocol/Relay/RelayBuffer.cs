using System.Buffers;

namespace TunnelMesh.Protocol.Relay;

/// <summary>A message of datagrams in a borrowed array. Whoever holds it gives it back once.</summary>
/// <param name="Array">Of the shared pool.</param>
/// <param name="Length">Bytes of the message.</param>
public readonly record struct RelayBuffer(byte[] Array, int Length)
{
    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Message => Array.AsMemory(0, Length);

    /// <summary>Bytes of datagrams.</summary>
    public int DatagramBytes => Length - RelayFrame.HeaderBytes;

    /// <summary>Datagrams in it.</summary>
    public int Datagrams => RelayFrame.Count(DatagramBytes, RelayFrame.SegmentSize(Array));

    /// <summary>Gives the array back to the pool.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Array);
}
