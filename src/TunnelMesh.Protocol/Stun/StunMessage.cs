using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Stun;

/// <summary>
/// A STUN message as it lies in its datagram (RFC 8489 section 5); nothing is copied. What parses is whole: its attributes fill its
/// length exactly, and a FINGERPRINT, when there is one, comes last and is right.
/// </summary>
public readonly ref struct StunMessage
{
    /// <summary>Bytes before the attributes.</summary>
    public const int HeaderSize = 20;
    /// <summary>The binding method, the only one of RFC 8489.</summary>
    public const ushort Binding = 1;
    /// <summary>Bytes 4 to 7 of every message.</summary>
    public const uint MagicCookie = 0x2112a442;

    private StunMessage(StunClass messageClass, ushort method, StunTransactionId transaction, ReadOnlySpan<byte> attributes, bool hasFingerprint)
    {
        Class = messageClass;
        Method = method;
        TransactionId = transaction;
        Attributes = attributes;
        HasFingerprint = hasFingerprint;
    }

    /// <summary>Request, indication, success or error.</summary>
    public StunClass Class { get; }

    /// <summary>The method, 12 bits.</summary>
    public ushort Method { get; }

    /// <summary>Binds a response to its request.</summary>
    public StunTransactionId TransactionId { get; }

    /// <summary>The attributes, one behind the other; see <see cref="StunAttributeReader"/>. Lies in the parsed buffer.</summary>
    public ReadOnlySpan<byte> Attributes { get; }

    /// <summary>True when it ends with a FINGERPRINT that is right.</summary>
    public bool HasFingerprint { get; }

    /// <summary>True for a datagram that has the shape of a STUN message; cheap, for sorting what arrives on a shared port.</summary>
    /// <param name="datagram">A whole datagram.</param>
    public static bool IsStun(ReadOnlySpan<byte> datagram) =>
        datagram.Length >= HeaderSize && datagram[0] < 0x40 && BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]) == MagicCookie
        && BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]) == datagram.Length - HeaderSize;

    /// <summary>Parses a datagram.</summary>
    /// <param name="datagram">A whole datagram; the message points into it.</param>
    /// <param name="message">The message.</param>
    /// <returns>False for anything that is not a whole, sound message.</returns>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out StunMessage message)
    {
        message = default;
        if (!IsStun(datagram) || (datagram.Length & 3) != 0)
        {
            return false;
        }

        bool fingerprint = false;
        StunAttributeReader reader = new(datagram[HeaderSize..]);
        while (reader.TryRead(out ushort type, out ReadOnlySpan<byte> value))
        {
            if (fingerprint)
            {
                return false;
            }

            if (type == StunAttribute.Fingerprint)
            {
                int end = datagram.Length - reader.Left - 8;
                if (value.Length != 4 || BinaryPrimitives.ReadUInt32BigEndian(value) != StunFingerprint.Of(datagram[..end]))
                {
                    return false;
                }

                fingerprint = true;
            }
        }

        if (reader.Left != 0)
        {
            return false;
        }

        // The class lies in bits 4 and 8, between the bits of the method.
        int type14 = BinaryPrimitives.ReadUInt16BigEndian(datagram);
        var messageClass = (StunClass)(((type14 >> 4) & 1) | ((type14 >> 7) & 2));
        ushort method = (ushort)((type14 & 0xf) | ((type14 >> 1) & 0x70) | ((type14 >> 2) & 0xf80));
        message = new StunMessage(messageClass, method, StunTransactionId.Read(datagram[8..]), datagram[HeaderSize..], fingerprint);
        return true;
    }

    /// <summary>Finds the first attribute of a type.</summary>
    /// <param name="type">Which.</param>
    /// <param name="value">Its value, without padding.</param>
    public bool TryFind(ushort type, out ReadOnlySpan<byte> value)
    {
        StunAttributeReader reader = new(Attributes);
        while (reader.TryRead(out ushort found, out value))
        {
            if (found == type)
            {
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>The address the server saw: XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS of an older server (RFC 8489 sections 14.1, 14.2).</summary>
    /// <param name="address">The address.</param>
    public bool TryReadMapped(out StunAddress address)
    {
        if (TryFind(StunAttribute.XorMappedAddress, out ReadOnlySpan<byte> value))
        {
            return TryReadAddress(value, TransactionId, out address);
        }

        address = default;
        return TryFind(StunAttribute.MappedAddress, out value) && TryReadAddress(value, null, out address);
    }

    /// <summary>The server's second address (RFC 5780 section 7.4), when it tells one.</summary>
    /// <param name="address">The address.</param>
    public bool TryReadOther(out StunAddress address)
    {
        address = default;
        return TryFind(StunAttribute.OtherAddress, out ReadOnlySpan<byte> value) && TryReadAddress(value, null, out address);
    }

    /// <summary>The number of ERROR-CODE, 300 to 699 (RFC 8489 section 14.8).</summary>
    /// <param name="code">The number.</param>
    public bool TryReadErrorCode(out int code)
    {
        code = 0;
        if (!TryFind(StunAttribute.ErrorCode, out ReadOnlySpan<byte> value) || value.Length < 4 || (value[2] & 7) is < 3 or > 6 || value[3] > 99)
        {
            return false;
        }

        code = (value[2] & 7) * 100 + value[3];
        return true;
    }

    // Reserved, family, port, address; the XOR form is combined with the cookie and, for IPv6, the transaction.
    private static bool TryReadAddress(ReadOnlySpan<byte> value, StunTransactionId? xor, out StunAddress address)
    {
        address = default;
        if (value.Length < 4)
        {
            return false;
        }

        ushort port = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(value[2..]) ^ (xor is null ? 0 : MagicCookie >> 16));
        if (value[1] == 1 && value.Length == 8)
        {
            address = StunAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(value[4..]) ^ (xor is null ? 0 : MagicCookie), port);
            return true;
        }

        if (value[1] != 2 || value.Length != 20)
        {
            return false;
        }

        address = StunAddress.FromIPv6(value[4..], port);
        if (xor is { } id)
        {
            address = address with { High = address.High ^ StunWriter.MaskHigh(id), Low = address.Low ^ StunWriter.MaskLow(id) };
        }

        return true;
    }
}
