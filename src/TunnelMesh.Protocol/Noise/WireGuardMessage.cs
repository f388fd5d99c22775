using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Noise;

/// <summary>Types and sizes of the four WireGuard messages (WireGuard whitepaper, section 5.4). Sizes are in bytes.</summary>
public static class WireGuardMessage
{
    /// <summary>Type of a handshake initiation.</summary>
    public const byte Initiation = 1;
    /// <summary>Type of a handshake response.</summary>
    public const byte Response = 2;
    /// <summary>Type of a cookie reply.</summary>
    public const byte CookieReply = 3;
    /// <summary>Type of transport data.</summary>
    public const byte Transport = 4;

    /// <summary>Size of an initiation: type 4, sender 4, ephemeral 32, static 48, timestamp 28, mac1 16, mac2 16.</summary>
    public const int InitiationSize = 148;
    /// <summary>Size of a response: type 4, sender 4, receiver 4, ephemeral 32, empty 16, mac1 16, mac2 16.</summary>
    public const int ResponseSize = 92;
    /// <summary>Size of a cookie reply: type 4, receiver 4, nonce 24, cookie 32.</summary>
    public const int CookieReplySize = 64;
    /// <summary>Header before the sealed bytes of transport data: type 4, receiver 4, counter 8.</summary>
    public const int TransportHeaderSize = 16;
    /// <summary>Poly1305 tag.</summary>
    public const int TagSize = 16;
    /// <summary>What transport data adds to a packet.</summary>
    public const int TransportOverhead = TransportHeaderSize + TagSize;
    /// <summary>Size of mac1 and of mac2.</summary>
    public const int MacSize = 16;
    /// <summary>Size of a public key.</summary>
    public const int KeySize = 32;

    /// <summary>Offset of the receiver index in cookie replies and transport data.</summary>
    public const int ReceiverOffset = 4;
    /// <summary>Offset of the receiver index in a response.</summary>
    public const int ResponseReceiverOffset = 8;

    /// <summary>Reads the receiver index; false for what has none.</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="type">From <see cref="TypeOf"/>.</param>
    /// <param name="receiver">The index.</param>
    public static bool TryReadReceiver(ReadOnlySpan<byte> datagram, byte type, out uint receiver)
    {
        int offset = type switch { Transport or CookieReply => ReceiverOffset, Response => ResponseReceiverOffset, _ => -1 };
        receiver = offset < 0 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(datagram[offset..]);
        return offset >= 0;
    }

    /// <summary>Length after padding to 16 bytes, never beyond <paramref name="mtu"/> nor below <paramref name="length"/>.</summary>
    public static int Padded(int length, int mtu)
    {
        int padded = (length + 15) & ~15;
        return length > mtu ? length : Math.Min(padded, mtu);
    }

    /// <summary>The type of a datagram whose size fits it, or 0: anything else is dropped unread.</summary>
    public static byte TypeOf(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < 4 || datagram[1] != 0 || datagram[2] != 0 || datagram[3] != 0)
        {
            return 0;
        }
        return datagram[0] switch
        {
            Initiation when datagram.Length == InitiationSize => Initiation,
            Response when datagram.Length == ResponseSize => Response,
            CookieReply when datagram.Length == CookieReplySize => CookieReply,
            Transport when datagram.Length >= TransportOverhead => Transport,
            _ => 0,
        };
    }
}
