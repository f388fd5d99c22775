namespace TunnelMesh.Protocol.Dns;

/// <summary>
/// Names on the wire (RFC 1035 sections 3.1 and 4.1.4). The canonical form used here is uncompressed, lower case, with the final empty label. Pure; nothing
/// allocates.
/// </summary>
public static class DnsName
{
    /// <summary>Longest name in bytes, the final empty label included.</summary>
    public const int MaxBytes = 255;

    /// <summary>Longest label in bytes.</summary>
    public const int MaxLabelBytes = 63;

    /// <summary>Reads a name into its canonical form, following compression. A pointer must lead to before the labels it ends, so no name goes round in a circle.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where the name begins; afterwards where it ends. Unchanged on failure.</param>
    /// <param name="name">Room for the name: <see cref="MaxBytes"/>.</param>
    /// <param name="length">Bytes of the name.</param>
    /// <returns>False for a name that is cut, too long, points forward or into the header, or uses an unknown kind of label.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, Span<byte> name, out int length)
    {
        length = 0;
        int at = offset, end = -1, bound = offset;
        while (at < message.Length)
        {
            int head = message[at];
            if (head >= 0xC0)
            {
                if (at + 1 >= message.Length)
                {
                    return false;
                }
                int target = ((head & 0x3F) << 8) | message[at + 1];
                end = end < 0 ? at + 2 : end;
                if (target >= bound || target < DnsQuery.HeaderSize)
                {
                    return false;
                }
                at = bound = target;
                continue;
            }
            if (head > MaxLabelBytes || at + head >= message.Length || length + head + 1 > Math.Min(MaxBytes, name.Length))
            {
                return false;
            }
            name[length++] = (byte)head;
            at++;
            if (head == 0)
            {
                offset = end < 0 ? at : end;
                return true;
            }
            Lower(message.Slice(at, head), name[length..]);
            length += head;
            at += head;
        }
        return false;
    }

    /// <summary>Passes over a name without following its pointer.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where the name begins; afterwards where it ends. Unchanged on failure.</param>
    public static bool TrySkip(ReadOnlySpan<byte> message, ref int offset)
    {
        for (int at = offset; at < message.Length;)
        {
            int head = message[at];
            if (head >= 0xC0 || head == 0)
            {
                int end = at + (head == 0 ? 1 : 2);
                offset = end <= message.Length ? end : offset;
                return end <= message.Length;
            }
            if (head > MaxLabelBytes || at + head + 1 - offset >= MaxBytes)
            {
                return false;
            }
            at += head + 1;
        }
        return false;
    }

    /// <summary>The canonical form of a name as people write it; the final dot may be left out.</summary>
    /// <param name="text">The name: ASCII, no escapes.</param>
    /// <param name="name">Room for it.</param>
    /// <param name="length">Bytes written.</param>
    public static bool TryWrite(ReadOnlySpan<char> text, Span<byte> name, out int length)
    {
        length = 0;
        text = text.EndsWith(".") ? text[..^1] : text;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> label = text[range];
            if (text.Length == 0)
            {
                break;
            }
            if (label.Length is 0 or > MaxLabelBytes || length + label.Length + 2 > Math.Min(MaxBytes, name.Length))
            {
                return false;
            }
            name[length++] = (byte)label.Length;
            foreach (char c in label)
            {
                if (c is <= ' ' or > '~')
                {
                    return false;
                }
                name[length++] = Lower((byte)c);
            }
        }
        if (length >= name.Length)
        {
            return false;
        }
        name[length++] = 0;
        return true;
    }

    private static void Lower(ReadOnlySpan<byte> from, Span<byte> to)
    {
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = Lower(from[i]);
        }
    }

    private static byte Lower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
