using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// Reads the data types of RFC 4251 section 5 out of a message. What is not there reads as zero or empty and sets <see cref="IsBad"/>, so a message is
/// read whole and judged once.
/// </summary>
/// <param name="bytes">The message; stays the caller's, and so do the strings read.</param>
internal ref struct SshReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>True once something was missing.</summary>
    public bool IsBad { get; private set; }

    /// <summary>True when everything was there, and nothing is left over.</summary>
    public readonly bool IsWhole => !IsBad && _rest.IsEmpty;

    public byte Byte()
    {
        ReadOnlySpan<byte> taken = Take(1);
        return taken.IsEmpty ? (byte)0 : taken[0];
    }

    public bool Boolean() => Byte() != 0;

    public uint UInt32()
    {
        ReadOnlySpan<byte> taken = Take(sizeof(uint));
        return taken.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32BigEndian(taken);
    }

    public ReadOnlySpan<byte> String() => Take(UInt32());

    public ReadOnlySpan<byte> Take(uint length)
    {
        if (IsBad || length > (uint)_rest.Length)
        {
            IsBad = true;
            return default;
        }
        ReadOnlySpan<byte> taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
