namespace TunnelMesh.Protocol.Ssh;

/// <summary>Sizes of the binary packet protocol (RFC 4253 section 6), and where things lie in a packet of datagrams that is sealed in place.</summary>
public static class SshPacket
{
    /// <summary>Bytes of the length that begins a packet.</summary>
    internal const int LengthBytes = 4;

    /// <summary>Length and padding length: what precedes the payload.</summary>
    internal const int PrefixBytes = LengthBytes + 1;

    /// <summary>Padding at least.</summary>
    internal const int MinPadding = 4;

    /// <summary>What the length counts is a multiple of this under AES-GCM.</summary>
    internal const int CipherBlock = 16;

    /// <summary>Before there are keys the whole packet is a multiple of this.</summary>
    internal const int PlainBlock = 8;

    /// <summary>The length field at most until the other side is authenticated (RFC 4253 section 6.1).</summary>
    internal const int MaxStrangerLength = 35_000;

    /// <summary>The length field at most: one channel message of <see cref="MaxData"/> bytes and padding.</summary>
    internal const int MaxLength = MaxData + 64;

    /// <summary>Channel data of one packet at most, in bytes; what we offer as the maximum packet size of a channel.</summary>
    public const int MaxData = 66_560;

    /// <summary>Where channel data begins in the buffer of a packet.</summary>
    public const int DataOffset = PrefixBytes + 9;

    /// <summary>Bytes of a buffer that holds any packet of channel data with its padding and tag.</summary>
    public const int BufferBytes = DataOffset + MaxData + 48;

    /// <summary>Bytes of a packet at most, tag included.</summary>
    public const int MaxBytes = LengthBytes + MaxLength + SshCipher.TagBytes;

    /// <summary>Bytes of padding that bring the whole to a multiple of the block.</summary>
    internal static int Padding(int unpadded, int block)
    {
        int padding = block - (unpadded % block);
        return padding < MinPadding ? padding + block : padding;
    }
}
