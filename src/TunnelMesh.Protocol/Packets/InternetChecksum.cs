namespace TunnelMesh.Protocol.Packets;

/// <summary>The Internet checksum (RFC 1071). Allocates nothing; any thread.</summary>
public static class InternetChecksum
{
    /// <summary>Adds bytes to an unfinished sum.</summary>
    /// <param name="data">The bytes; every piece but the last must have an even length.</param>
    /// <param name="sum">The sum of the pieces before, 0 for the first.</param>
    /// <returns>The unfinished sum, for <see cref="Finish"/> or a further piece.</returns>
    public static ulong Add(ReadOnlySpan<byte> data, ulong sum = 0) => sum + ChecksumKernel.Sum(data);

    /// <summary>Copies bytes and adds them to an unfinished sum, in one pass.</summary>
    /// <param name="source">As for <see cref="Add"/>.</param>
    /// <param name="destination">At least as long, not overlapping <paramref name="source"/>.</param>
    /// <param name="sum">The sum of the pieces before, 0 for the first.</param>
    /// <returns>As <see cref="Add"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is shorter than <paramref name="source"/>.</exception>
    public static ulong CopyAndAdd(ReadOnlySpan<byte> source, Span<byte> destination, ulong sum = 0) =>
        sum + ChecksumKernel.CopyAndSum(source, destination);

    /// <summary>Folds a sum to 16 bits and complements it.</summary>
    /// <param name="sum">From <see cref="Add"/>.</param>
    /// <returns>The checksum in host order, to be written big-endian; 0 over data that holds its own right checksum.</returns>
    public static ushort Finish(ulong sum) => (ushort)~Fold(sum);

    /// <summary>Folds a sum to 16 bits without complementing it, as a checksum field that is still to be completed holds it.</summary>
    /// <param name="sum">From <see cref="Add"/>.</param>
    /// <returns>The folded sum in host order, to be written big-endian.</returns>
    public static ushort Fold(ulong sum)
    {
        // Any sum is below 2^33 after the first line, 2^18 after the second, 2^16 + 3 after the third.
        sum = (uint)sum + (sum >> 32);
        sum = (ushort)sum + (ulong)(ushort)(sum >> 16) + (sum >> 32);
        sum = (ushort)sum + (sum >> 16);
        return (ushort)(sum + (sum >> 16));
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
