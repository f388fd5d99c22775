using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>Makes packets of payloads (RFC 4253 section 6): plain until the first keys, sealed after. One thread at a time.</summary>
internal sealed class SshSealer : IDisposable
{
    private SshCipher? _cipher;

    /// <summary>Takes new keys; strict key exchange lets the numbers of packets, which only matter to the other side here, begin anew.</summary>
    public void SetKeys(SshCipher cipher)
    {
        _cipher?.Dispose();
        _cipher = cipher;
    }

    /// <summary>Bytes of the packet for a payload.</summary>
    public int SizeOf(int payloadLength) => _cipher is null
        ? SshPacket.PrefixBytes + payloadLength + SshPacket.Padding(SshPacket.PrefixBytes + payloadLength, SshPacket.PlainBlock)
        : SshPacket.PrefixBytes + payloadLength + SshPacket.Padding(1 + payloadLength, SshPacket.CipherBlock) + SshCipher.TagBytes;

    /// <summary>Makes the packet around a payload that stands in its place.</summary>
    /// <param name="packet">The payload at <see cref="SshPacket.PrefixBytes"/>; as long as <see cref="SizeOf"/> says.</param>
    /// <param name="payloadLength">Bytes of the payload.</param>
    public void Seal(Span<byte> packet, int payloadLength)
    {
        int length = packet.Length - SshPacket.LengthBytes - (_cipher is null ? 0 : SshCipher.TagBytes);
        int padding = length - 1 - payloadLength;
        BinaryPrimitives.WriteUInt32BigEndian(packet, (uint)length);
        packet[SshPacket.LengthBytes] = (byte)padding;
        packet.Slice(SshPacket.PrefixBytes + payloadLength, padding).Clear();
        _cipher?.Seal(packet);
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher?.Dispose();
}
