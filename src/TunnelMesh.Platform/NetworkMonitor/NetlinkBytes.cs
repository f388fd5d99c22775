using System.Buffers.Binary;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Walks over netlink messages, or over the attributes of one (RFC 3549 sections 2.2 and 2.3). Numbers are in the machine's byte order, which is little-endian on all of ours.</summary>
/// <param name="bytes">As received.</param>
internal ref struct NetlinkBytes(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Takes the next message: length 4, type 2, flags 2, sequence 4, port 4, body.</summary>
    /// <returns>False at the end, and where a message is cut short.</returns>
    public bool TryReadMessage(out ushort type, out uint sequence, out ReadOnlySpan<byte> body)
    {
        (type, sequence) = (0, 0);
        body = default;
        if (_rest.Length < 16 || BinaryPrimitives.ReadUInt32LittleEndian(_rest) is var length && (length < 16 || length > _rest.Length))
        {
            return false;
        }

        type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[4..]);
        sequence = BinaryPrimitives.ReadUInt32LittleEndian(_rest[8..]);
        body = _rest[16..(int)length];
        Skip((int)length);
        return true;
    }

    /// <summary>Takes the next attribute: length 2, type 2, value.</summary>
    /// <returns>False at the end, and where an attribute is cut short.</returns>
    public bool TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (_rest.Length < 4 || BinaryPrimitives.ReadUInt16LittleEndian(_rest) is var length && (length < 4 || length > _rest.Length))
        {
            return false;
        }

        // The two highest bits are flags.
        type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & 0x3fff);
        value = _rest[4..length];
        Skip(length);
        return true;
    }

    private void Skip(int length) => _rest = _rest[Math.Min(_rest.Length, (length + 3) & ~3)..];
}
