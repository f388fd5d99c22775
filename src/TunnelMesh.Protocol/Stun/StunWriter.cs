using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Stun;

/// <summary>Writes a STUN message into a buffer of the caller's (RFC 8489 sections 5 and 14); the header's length is always right.</summary>
public ref struct StunWriter
{
    private readonly Span<byte> _buffer;
    private readonly StunTransactionId _transaction;

    /// <summary>Begins a binding message.</summary>
    /// <param name="buffer">Where to; must hold all that is added.</param>
    /// <param name="messageClass">Request, indication, success or error.</param>
    /// <param name="transaction">Of a response: that of its request.</param>
    /// <exception cref="ArgumentException">The buffer is too small, here and in every method.</exception>
    public StunWriter(Span<byte> buffer, StunClass messageClass, StunTransactionId transaction)
    {
        _buffer = buffer;
        _transaction = transaction;
        Length = StunMessage.HeaderSize;
        Require(0);
        int bits = (int)messageClass;
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)(((bits & 2) << 7) | ((bits & 1) << 4) | StunMessage.Binding));
        BinaryPrimitives.WriteUInt32BigEndian(buffer[4..], StunMessage.MagicCookie);
        transaction.Write(buffer[8..]);
        SetLength();
    }

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Adds an attribute; the padding is zero.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="value">Its value, at most 65,535 bytes.</param>
    public void Add(ushort type, scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(Begin(type, value.Length));
        SetLength();
    }

    /// <summary>Adds XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).</summary>
    /// <param name="address">The address the request came from.</param>
    public void AddXorMapped(in StunAddress address)
    {
        Span<byte> value = Begin(StunAttribute.XorMappedAddress, address.IsIPv4 ? 8 : 20);
        value[1] = (byte)(address.IsIPv4 ? 1 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(value[2..], (ushort)(address.Port ^ (StunMessage.MagicCookie >> 16)));
        if (address.IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(value[4..], (uint)address.Low ^ StunMessage.MagicCookie);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(value[4..], address.High ^ MaskHigh(_transaction));
            BinaryPrimitives.WriteUInt64BigEndian(value[12..], address.Low ^ MaskLow(_transaction));
        }

        SetLength();
    }

    /// <summary>Adds ERROR-CODE (RFC 8489 section 14.8) without a phrase, which is for people only.</summary>
    /// <param name="code">300 to 699.</param>
    public void AddErrorCode(int code)
    {
        Span<byte> value = Begin(StunAttribute.ErrorCode, 4);
        value[2] = (byte)(code / 100);
        value[3] = (byte)(code % 100);
        SetLength();
    }

    /// <summary>Adds FINGERPRINT (RFC 8489 section 14.7); nothing may follow.</summary>
    public void AddFingerprint()
    {
        Span<byte> value = Begin(StunAttribute.Fingerprint, 4);
        SetLength();
        BinaryPrimitives.WriteUInt32BigEndian(value, StunFingerprint.Of(_buffer[..(Length - 8)]));
    }

    internal static ulong MaskHigh(StunTransactionId id) => ((ulong)StunMessage.MagicCookie << 32) | (id.High >> 32);

    internal static ulong MaskLow(StunTransactionId id) => (id.High << 32) | id.Low;

    private Span<byte> Begin(ushort type, int length)
    {
        int padded = (length + 3) & ~3;
        Require(4 + padded);
        Span<byte> attribute = _buffer.Slice(Length, 4 + padded);
        attribute.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(attribute, type);
        BinaryPrimitives.WriteUInt16BigEndian(attribute[2..], (ushort)length);
        Length += attribute.Length;
        return attribute.Slice(4, length);
    }

    private readonly void SetLength() => BinaryPrimitives.WriteUInt16BigEndian(_buffer[2..], (ushort)(Length - StunMessage.HeaderSize));

    private readonly void Require(int more)
    {
        if (_buffer.Length - Length < more)
        {
            throw new ArgumentException($"A STUN message of {Length + more} bytes does not fit into {_buffer.Length}.");
        }
    }
}
