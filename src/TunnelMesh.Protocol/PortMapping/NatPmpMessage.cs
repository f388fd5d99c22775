using System.Buffers.Binary;
using System.Net;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Messages of NAT-PMP (RFC 6886), which shares its port with PCP. Pure.</summary>
public static class NatPmpMessage
{
    /// <summary>Bytes of <see cref="WriteAddressRequest"/>.</summary>
    public const int AddressRequestSize = 2;
    /// <summary>Bytes of <see cref="WriteMap"/>.</summary>
    public const int MapSize = 12;

    private const byte OpcodeAddress = 0, OpcodeMapUdp = 1, ResponseBit = 0x80;

    /// <summary>Asks for the external address (section 3.2).</summary>
    /// <param name="destination">At least <see cref="AddressRequestSize"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteAddressRequest(Span<byte> destination)
    {
        destination[..AddressRequestSize].Clear();
        return AddressRequestSize;
    }

    /// <summary>Asks for a mapping of UDP (section 3.3); it maps the address that it is sent from.</summary>
    /// <param name="destination">At least <see cref="MapSize"/> bytes.</param>
    /// <param name="internalPort">Our port.</param>
    /// <param name="suggestedPort">The wanted port outside; 0 for none, and to delete.</param>
    /// <param name="lifetimeSeconds">How long it shall stay; 0 deletes it.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteMap(Span<byte> destination, ushort internalPort, ushort suggestedPort, uint lifetimeSeconds)
    {
        destination[..MapSize].Clear();
        destination[1] = OpcodeMapUdp;
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], internalPort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], suggestedPort);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], lifetimeSeconds);
        return MapSize;
    }

    /// <summary>Reads the answer with the external address, which is also what a gateway announces to 224.0.0.1 (section 3.2.1).</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="response">What it says.</param>
    /// <returns>False for anything else.</returns>
    public static bool TryReadAddress(ReadOnlySpan<byte> datagram, out NatPmpAddress response)
    {
        response = default;
        if (!TryReadHeader(datagram, OpcodeAddress, 12, out ushort result, out uint epoch))
        {
            return false;
        }

        response = new NatPmpAddress(result, epoch, result == 0 ? new IPAddress(datagram.Slice(8, 4)) : null);
        return true;
    }

    /// <summary>Reads the answer about a mapping.</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="response">What it says.</param>
    /// <returns>False for anything else.</returns>
    public static bool TryReadMap(ReadOnlySpan<byte> datagram, out NatPmpMapping response)
    {
        response = default;
        if (!TryReadHeader(datagram, OpcodeMapUdp, 16, out ushort result, out uint epoch))
        {
            return false;
        }

        response = result != 0 ? new NatPmpMapping(result, epoch, 0, 0, 0) : new NatPmpMapping(result, epoch, BinaryPrimitives.ReadUInt16BigEndian(datagram[8..]),
            BinaryPrimitives.ReadUInt16BigEndian(datagram[10..]), BinaryPrimitives.ReadUInt32BigEndian(datagram[12..]));
        return true;
    }

    // An error may stop after the epoch.
    private static bool TryReadHeader(ReadOnlySpan<byte> datagram, byte opcode, int length, out ushort result, out uint epoch)
    {
        (result, epoch) = (0, 0);
        if (datagram.Length < 8 || datagram[0] != 0 || datagram[1] != (opcode | ResponseBit))
        {
            return false;
        }

        result = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        epoch = BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]);
        return result != 0 || datagram.Length >= length;
    }
}
