using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>Takes packets off a stream (RFC 4253 section 6): plain until the first keys, opened in place after. One thread at a time.</summary>
internal sealed class SshOpener : IDisposable
{
    private SshCipher? _cipher;

    /// <summary>Number of the next packet. Counted from the last new keys, as strict key exchange wants it.</summary>
    public uint Sequence { get; private set; }

    /// <summary>The length field at most.</summary>
    public int MaxLength { get; set; } = SshPacket.MaxStrangerLength;

    /// <summary>Takes new keys.</summary>
    public void SetKeys(SshCipher cipher)
    {
        _cipher?.Dispose();
        _cipher = cipher;
        Sequence = 0;
    }

    /// <summary>Takes the packet at the front.</summary>
    /// <param name="bytes">What has arrived; a packet is opened in place.</param>
    /// <param name="size">Bytes of the packet; 0 when it has not arrived whole.</param>
    /// <param name="payloadLength">Bytes of its payload, at <see cref="SshPacket.PrefixBytes"/>.</param>
    /// <returns>What is wrong, if anything; the stream is then worthless.</returns>
    public SshDisconnectReason TryTake(Span<byte> bytes, out int size, out int payloadLength)
    {
        size = payloadLength = 0;
        if (bytes.Length < SshPacket.LengthBytes)
        {
            return SshDisconnectReason.None;
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        (int block, int counted, int tag) = _cipher is null ? (SshPacket.PlainBlock, SshPacket.LengthBytes, 0) : (SshPacket.CipherBlock, 0, SshCipher.TagBytes);
        if (length > (uint)MaxLength || length + counted < SshPacket.CipherBlock || (length + counted) % block != 0)
        {
            return SshDisconnectReason.ProtocolError;
        }
        int whole = SshPacket.LengthBytes + (int)length + tag;
        if (bytes.Length < whole)
        {
            return SshDisconnectReason.None;
        }
        if (_cipher is not null && !_cipher.TryOpen(bytes[..whole]))
        {
            return SshDisconnectReason.MacError;
        }
        int padding = bytes[SshPacket.LengthBytes];
        payloadLength = (int)length - 1 - padding;
        if (padding < SshPacket.MinPadding || payloadLength < 1)
        {
            return SshDisconnectReason.ProtocolError;
        }
        size = whole;
        Sequence++;
        return SshDisconnectReason.None;
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher?.Dispose();
}
