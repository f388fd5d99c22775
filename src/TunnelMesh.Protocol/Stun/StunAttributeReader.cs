using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Stun;

/// <summary>Walks over attributes: type, length, value, padded to four bytes (RFC 8489 section 14).</summary>
/// <param name="attributes">What follows the header.</param>
public ref struct StunAttributeReader(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>Bytes not read yet; what is left when nothing more can be read is no attribute.</summary>
    public readonly int Left => _rest.Length;

    /// <summary>Takes the next attribute.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="value">Its value, without padding.</param>
    /// <returns>False at the end, and where an attribute is cut short.</returns>
    public bool TryRead(out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (_rest.Length < 4)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]), padded = 4 + ((length + 3) & ~3);
        if (padded > _rest.Length)
        {
            return false;
        }

        type = BinaryPrimitives.ReadUInt16BigEndian(_rest);
        value = _rest.Slice(4, length);
        _rest = _rest[padded..];
        return true;
    }
}
