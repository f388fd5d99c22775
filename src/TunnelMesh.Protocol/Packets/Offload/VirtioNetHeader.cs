using System.Runtime.InteropServices;

namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>
/// What a TUN device says about a packet that is not finished yet: a checksum to complete, segments to cut (virtio 1.x section
/// 5.1.6, without num_buffers). A value of zeros belongs to an ordinary packet.
/// </summary>
/// <param name="Flags">Such as <see cref="NeedsChecksum"/>.</param>
/// <param name="GsoType">How to cut, such as <see cref="GsoTcpV4"/>; <see cref="GsoNone"/> for one packet.</param>
/// <param name="HeaderLength">
/// Length of all headers in bytes, as a hint only: Linux fills in how much lies in its first buffer, which may be more.
/// </param>
/// <param name="GsoSize">Payload bytes of each segment behind its headers; the last may have fewer.</param>
/// <param name="ChecksumStart">Where the summed bytes begin, from the packet's start.</param>
/// <param name="ChecksumOffset">Where the checksum field lies, from <paramref name="ChecksumStart"/>.</param>
public readonly record struct VirtioNetHeader(byte Flags, byte GsoType, ushort HeaderLength, ushort GsoSize, ushort ChecksumStart, ushort ChecksumOffset)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 10;

    /// <summary>Flag: the checksum field holds the folded pseudo-header sum and is to be completed (VIRTIO_NET_HDR_F_NEEDS_CSUM).</summary>
    public const byte NeedsChecksum = 1;

    /// <summary>GSO type: one packet.</summary>
    public const byte GsoNone = 0;

    /// <summary>GSO type: TCP over IPv4.</summary>
    public const byte GsoTcpV4 = 1;

    /// <summary>GSO type: TCP over IPv6.</summary>
    public const byte GsoTcpV6 = 4;

    /// <summary>GSO type: UDP datagrams of equal size, over either version (VIRTIO_NET_HDR_GSO_UDP_L4).</summary>
    public const byte GsoUdp = 5;

    /// <summary>Bit of the GSO type: the first segment carries CWR (VIRTIO_NET_HDR_GSO_ECN).</summary>
    public const byte GsoEcn = 0x80;

    /// <summary>Reads a header in the machine's byte order, as a TUN device gives it unless told otherwise.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="header">The header, when the answer is true.</param>
    /// <returns>False when there are fewer than <see cref="Size"/> bytes.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out VirtioNetHeader header)
    {
        header = default;
        if (source.Length < Size)
        {
            return false;
        }

        header = new VirtioNetHeader(
            source[0],
            source[1],
            MemoryMarshal.Read<ushort>(source[2..]),
            MemoryMarshal.Read<ushort>(source[4..]),
            MemoryMarshal.Read<ushort>(source[6..]),
            MemoryMarshal.Read<ushort>(source[8..]));
        return true;
    }

    /// <summary>Writes the header in the machine's byte order.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is too short.</exception>
    public void Write(Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, Size);
        destination[0] = Flags;
        destination[1] = GsoType;
        MemoryMarshal.Write(destination[2..], HeaderLength);
        MemoryMarshal.Write(destination[4..], GsoSize);
        MemoryMarshal.Write(destination[6..], ChecksumStart);
        MemoryMarshal.Write(destination[8..], ChecksumOffset);
    }
}
