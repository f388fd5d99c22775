using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// Frames of datagrams inside channel data: two bytes for the size of a datagram, two for that of all of them (big-endian), then the datagrams, one behind
/// the other, the last shorter perhaps. So datagrams of equal size are described once. Pure; no allocation.
/// </summary>
public static class DatagramFrames
{
    /// <summary>Bytes before the datagrams of a frame.</summary>
    public const int HeaderBytes = 4;

    /// <summary>Bytes of datagrams in a frame at most.</summary>
    public const int MaxBytes = ushort.MaxValue;

    /// <summary>How many datagrams there are.</summary>
    /// <param name="bytes">Bytes of all of them.</param>
    /// <param name="segmentSize">Bytes of each but the last.</param>
    public static int Count(int bytes, int segmentSize) => (bytes + segmentSize - 1) / segmentSize;

    /// <summary>Puts datagrams behind what stands there: into the last frame where they are like its own, else into a new one.</summary>
    /// <param name="data">The channel data being made.</param>
    /// <param name="length">Bytes that stand there; grows.</param>
    /// <param name="lastFrame">Where the last frame begins; -1 when there is none. May change.</param>
    /// <param name="datagrams">1 to 65,535 bytes.</param>
    /// <param name="segmentSize">Bytes of each datagram, from 1 to 65,535; the last may be shorter.</param>
    /// <returns>False when there is no room; nothing has changed then.</returns>
    public static bool TryAppend(Span<byte> data, ref int length, ref int lastFrame, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        // One datagram is as large as it is, whatever was said.
        segmentSize = Math.Min(segmentSize, datagrams.Length);
        if (lastFrame >= 0)
        {
            Span<byte> header = data[lastFrame..];
            int size = BinaryPrimitives.ReadUInt16BigEndian(header), bytes = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
            bool alike = size == segmentSize || (datagrams.Length <= size && segmentSize == datagrams.Length);
            if (alike && bytes % size == 0 && bytes + datagrams.Length <= MaxBytes)
            {
                if (data.Length - length < datagrams.Length)
                {
                    return false;
                }
                BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(bytes + datagrams.Length));
                datagrams.CopyTo(data[length..]);
                length += datagrams.Length;
                return true;
            }
        }
        if (data.Length - length < HeaderBytes + datagrams.Length)
        {
            return false;
        }
        lastFrame = length;
        BinaryPrimitives.WriteUInt16BigEndian(data[length..], (ushort)segmentSize);
        BinaryPrimitives.WriteUInt16BigEndian(data[(length + 2)..], (ushort)datagrams.Length);
        datagrams.CopyTo(data[(length + HeaderBytes)..]);
        length += HeaderBytes + datagrams.Length;
        return true;
    }

    /// <summary>Takes the frame at the front.</summary>
    /// <param name="data">What is left of the channel data; moves on.</param>
    /// <param name="datagrams">The datagrams of the frame.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    /// <returns>False at the end, and for a frame that is cut short, empty, or of datagrams without a size; <paramref name="data"/> is then not empty.</returns>
    public static bool TryTake(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> datagrams, out int segmentSize)
    {
        datagrams = default;
        segmentSize = 0;
        if (data.Length <= HeaderBytes)
        {
            return false;
        }
        int size = BinaryPrimitives.ReadUInt16BigEndian(data), bytes = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
        if (size == 0 || size > bytes || bytes > data.Length - HeaderBytes)
        {
            return false;
        }
        segmentSize = size;
        datagrams = data.Slice(HeaderBytes, bytes);
        data = data[(HeaderBytes + bytes)..];
        return true;
    }
}
