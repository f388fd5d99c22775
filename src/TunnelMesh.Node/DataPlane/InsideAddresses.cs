using System.Buffers.Binary;
using System.Net.Sockets;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Node.DataPlane;

/// <summary>This device's inside addresses, and which destinations are for it. Immutable; allocates nothing after construction.</summary>
internal sealed class InsideAddresses
{
    private readonly uint[] _v4, _broadcasts;
    private readonly UInt128[] _v6;

    public InsideAddresses(IEnumerable<TunAddress> addresses)
    {
        List<uint> v4 = [], broadcasts = [];
        List<UInt128> v6 = [];
        foreach (TunAddress address in addresses)
        {
            byte[] bytes = address.Address.GetAddressBytes();
            if (address.Address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                v6.Add(BinaryPrimitives.ReadUInt128BigEndian(bytes));
                continue;
            }

            uint value = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            v4.Add(value);

            // A /31 or /32 has no broadcast address (RFC 3021).
            if (address.PrefixLength is > 0 and < 31)
            {
                broadcasts.Add(value | (uint.MaxValue >> address.PrefixLength));
            }
        }

        (_v4, _broadcasts, _v6) = ([.. v4], [.. broadcasts], [.. v6]);
    }

    /// <summary>True when a packet for this destination may be handed to the system: ours, a group, a broadcast, or no address is known.</summary>
    /// <param name="destination">4 or 16 bytes in network order.</param>
    public bool Accepts(ReadOnlySpan<byte> destination)
    {
        if (destination.Length == 4)
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(destination);
            return Array.IndexOf(_v4, value) >= 0 || value >> 28 == 0xE || IsBroadcast(destination) || (_v4.Length == 0 && _v6.Length == 0);
        }

        return Array.IndexOf(_v6, BinaryPrimitives.ReadUInt128BigEndian(destination)) >= 0 || destination[0] == 0xFF || (_v4.Length == 0 && _v6.Length == 0);
    }

    /// <summary>True for the limited broadcast address and those of our own prefixes: nobody answers for them (RFC 1122, 3.2.2).</summary>
    /// <param name="destination">4 or 16 bytes in network order.</param>
    public bool IsBroadcast(ReadOnlySpan<byte> destination) =>
        destination.Length == 4 && BinaryPrimitives.ReadUInt32BigEndian(destination) is var value && (value == uint.MaxValue || Array.IndexOf(_broadcasts, value) >= 0);
}
