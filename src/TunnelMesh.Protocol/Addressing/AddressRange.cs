using System.Buffers.Binary;
using System.Net;

namespace TunnelMesh.Protocol.Addressing;

/// <summary>An inclusive range of IPv4 addresses, in host byte order.</summary>
/// <param name="FirstValue">First address as a number.</param>
/// <param name="LastValue">Last address as a number.</param>
public readonly record struct AddressRange(uint FirstValue, uint LastValue)
{
    /// <summary>First address.</summary>
    public IPAddress First => At(0);

    /// <summary>Last address.</summary>
    public IPAddress Last => At(Count - 1);

    /// <summary>Number of addresses.</summary>
    public uint Count => LastValue - FirstValue + 1;

    /// <summary>The address at an index from 0 to <see cref="Count"/> − 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is beyond the range.</exception>
    public IPAddress At(uint index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, FirstValue + index);
        return new IPAddress(bytes);
    }

    /// <summary>True when an IPv4 address lies in the range.</summary>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out int written) && written == 4 &&
            BinaryPrimitives.ReadUInt32BigEndian(bytes) is uint value && value >= FirstValue && value <= LastValue;
    }
}
