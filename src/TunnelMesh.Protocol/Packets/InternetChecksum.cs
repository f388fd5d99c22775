using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets;

/// <summary>The Internet checksum (RFC 1071). Allocates nothing; any thread.</summary>
public static class InternetChecksum
{
    /// <summary>Adds bytes to an unfinished sum.</summary>
    /// <param name="data">The bytes; every piece but the last must have an even length.</param>
    /// <param name="sum">The sum of the pieces before, 0 for the first.</param>
    /// <returns>The unfinished sum, for <see cref="Finish"/> or a further piece.</returns>
    public static ulong Add(ReadOnlySpan<byte> data, ulong sum = 0)
    {
        while (data.Length >= 4)
        {
            sum += BinaryPrimitives.ReadUInt32BigEndian(data);
            data = data[4..];
        }
        if (data.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }
        return data.Length == 1 ? sum + ((ulong)data[0] << 8) : sum;
    }

    /// <summary>Folds a sum to 16 bits and complements it.</summary>
    /// <param name="sum">From <see cref="Add"/>.</param>
    /// <returns>The checksum in host order, to be written big-endian; 0 over data that holds its own right checksum.</returns>
    public static ushort Finish(ulong sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~sum;
    }

    /// <summary>The checksum of one piece.</summary>
    /// <param name="data">The bytes, with the checksum field zero; of any length.</param>
    /// <returns>As <see cref="Finish"/>.</returns>
    public static ushort Compute(ReadOnlySpan<byte> data) => Finish(Add(data));

    /// <summary>Sum of the pseudo-header that transport checksums cover (RFC 9293 3.1, RFC 8200 8.1).</summary>
    /// <param name="source">Source address, 4 or 16 bytes.</param>
    /// <param name="destination">Destination address, of the same size.</param>
    /// <param name="protocol">Upper-layer protocol number.</param>
    /// <param name="length">Upper-layer length in bytes, header included.</param>
    /// <returns>An unfinished sum.</returns>
    public static ulong AddPseudoHeader(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, int length) =>
        Add(destination, Add(source)) + protocol + (uint)length;
}
