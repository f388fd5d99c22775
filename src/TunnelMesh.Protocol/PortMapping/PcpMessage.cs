using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Messages of the Port Control Protocol, version 2 (RFC 6887). Pure.</summary>
public static class PcpMessage
{
    /// <summary>UDP port of servers.</summary>
    public const int ServerPort = 5351;
    /// <summary>UDP port at which clients hear announcements, sent to 224.0.0.1 and ff02::1.</summary>
    public const int ClientPort = 5350;
    /// <summary>No message is longer (section 7).</summary>
    public const int MaxSize = 1100;
    /// <summary>Bytes of <see cref="WriteMap"/>.</summary>
    public const int MapSize = HeaderSize + 36;

    private const int HeaderSize = 24;
    private const byte Version = 2, ResponseBit = 0x80, Udp = 17;

    /// <summary>Writes a MAP request.</summary>
    /// <param name="destination">At least <see cref="MapSize"/> bytes.</param>
    /// <param name="request">What is asked.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The buffer is too small.</exception>
    public static int WriteMap(Span<byte> destination, PcpMapRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (destination.Length < MapSize)
        {
            throw new ArgumentException($"A MAP request has {MapSize} bytes.", nameof(destination));
        }

        destination[..MapSize].Clear();
        destination[0] = Version;
        destination[1] = (byte)PcpOpcode.Map;
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], request.LifetimeSeconds);
        WriteAddress(destination[8..], request.Client);
        Span<byte> map = destination[HeaderSize..];
        BinaryPrimitives.WriteUInt64BigEndian(map, request.Nonce.High);
        BinaryPrimitives.WriteUInt32BigEndian(map[8..], request.Nonce.Low);
        map[12] = Udp;
        BinaryPrimitives.WriteUInt16BigEndian(map[16..], request.InternalPort);
        BinaryPrimitives.WriteUInt16BigEndian(map[18..], request.SuggestedPort);
        // No suggestion is the wildcard of the client's family (section 11.1).
        WriteAddress(map[20..], request.SuggestedAddress ?? (request.Client.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any));
        return MapSize;
    }

    /// <summary>Reads a response or announcement of version 2.</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="response">What it says.</param>
    /// <returns>False for anything else; options are passed over.</returns>
    public static bool TryReadResponse(ReadOnlySpan<byte> datagram, out PcpResponse? response)
    {
        response = null;
        if (datagram.Length is < HeaderSize or > MaxSize || (datagram.Length & 3) != 0 || datagram[0] != Version || (datagram[1] & ResponseBit) == 0)
        {
            return false;
        }

        var opcode = (PcpOpcode)(datagram[1] & ~ResponseBit);
        var result = (PcpResultCode)datagram[3];
        uint lifetime = BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]), epoch = BinaryPrimitives.ReadUInt32BigEndian(datagram[8..]);
        if (opcode == PcpOpcode.Announce)
        {
            response = new PcpResponse(opcode, result, lifetime, epoch, default, 0, null);
            return true;
        }

        if (opcode != PcpOpcode.Map || datagram.Length < MapSize || datagram[HeaderSize + 12] != Udp)
        {
            return false;
        }

        ReadOnlySpan<byte> map = datagram[HeaderSize..];
        var nonce = new PcpNonce(BinaryPrimitives.ReadUInt64BigEndian(map), BinaryPrimitives.ReadUInt32BigEndian(map[8..]));
        var address = new IPAddress(map.Slice(20, 16));
        response = new PcpResponse(opcode, result, lifetime, epoch, nonce, BinaryPrimitives.ReadUInt16BigEndian(map[16..]),
            new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, BinaryPrimitives.ReadUInt16BigEndian(map[18..])));
        return true;
    }

    /// <summary>True for the answer of a gateway that knows an older version, mostly NAT-PMP, which is version 0 (section 9).</summary>
    /// <param name="datagram">A whole datagram.</param>
    public static bool IsOtherVersion(ReadOnlySpan<byte> datagram) => datagram.Length >= 4 && datagram[0] != Version && (datagram[1] & ResponseBit) != 0;

    private static void WriteAddress(Span<byte> destination, IPAddress address) =>
        (address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address).TryWriteBytes(destination, out _);
}
