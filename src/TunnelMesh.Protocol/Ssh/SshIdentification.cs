namespace TunnelMesh.Protocol.Ssh;

/// <summary>The line with which each side begins (RFC 4253 section 4.2).</summary>
internal static class SshIdentification
{
    /// <summary>Bytes of the line at most, its end included.</summary>
    public const int MaxLine = 255;

    /// <summary>A server may send other lines before; so many are read at most.</summary>
    public const int MaxOtherLines = 16;

    /// <summary>Ours, without its end.</summary>
    public static ReadOnlySpan<byte> Ours => "SSH-2.0-TunnelMesh"u8;

    /// <summary>The bytes we send.</summary>
    public static byte[] Line => [.. Ours, (byte)'\r', (byte)'\n'];

    /// <summary>Takes a line off the front.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="consumed">Bytes of the line with its end, when there is one.</param>
    /// <param name="line">The line without its end.</param>
    /// <returns>False when the line has not arrived whole; too long a one never does.</returns>
    public static bool TryTakeLine(ReadOnlySpan<byte> bytes, out int consumed, out ReadOnlySpan<byte> line)
    {
        int end = bytes[..Math.Min(bytes.Length, MaxLine)].IndexOf((byte)'\n');
        consumed = end + 1;
        line = end < 0 ? default : bytes[..end];
        if (line.EndsWith("\r"u8))
        {
            line = line[..^1];
        }
        return end >= 0;
    }

    /// <summary>True for the identification of a side that speaks SSH-2.</summary>
    /// <param name="line">Without its end.</param>
    public static bool IsVersion2(ReadOnlySpan<byte> line) =>
        (line.StartsWith("SSH-2.0-"u8) || line.StartsWith("SSH-1.99-"u8)) && !line.ContainsAnyExceptInRange((byte)' ', (byte)'~');

    /// <summary>True when the line, whole or not yet, begins as identifications do.</summary>
    public static bool MayBeIdentification(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> prefix = "SSH-"u8;
        int common = Math.Min(start.Length, prefix.Length);
        return start[..common].SequenceEqual(prefix[..common]);
    }
}
