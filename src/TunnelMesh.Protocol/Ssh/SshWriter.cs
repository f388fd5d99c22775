using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>Writes the data types of RFC 4251 section 5: a message of the control path, or bytes to be hashed or signed. Not for datagrams.</summary>
internal sealed class SshWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public SshWriter()
    {
    }

    /// <summary>A message with this number.</summary>
    public SshWriter(byte message) => Byte(message);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public SshWriter Byte(byte value) => Bytes([value]);

    public SshWriter Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    public SshWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
        return this;
    }

    public SshWriter String(ReadOnlySpan<byte> value) => UInt32((uint)value.Length).Bytes(value);

    public SshWriter String(string value) => String(Encoding.UTF8.GetBytes(value));

    public SshWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    /// <summary>A positive number, its highest byte first: leading zeros go, and a zero comes before a set highest bit.</summary>
    public SshWriter MPInt(ReadOnlySpan<byte> value)
    {
        value = value.TrimStart((byte)0);
        bool sign = !value.IsEmpty && value[0] >= 0x80;
        UInt32((uint)value.Length + (sign ? 1u : 0));
        return sign ? Byte(0).Bytes(value) : Bytes(value);
    }

    /// <summary>Overwrites what was written, and begins anew.</summary>
    public void Clear() => _bytes.Clear();
}
