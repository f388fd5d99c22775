using System.Buffers;
using System.Text;

namespace TunnelMesh.Protocol.Http;

/// <summary>
/// What a server that only answers questions needs of an HTTP/1 request (RFC 9112): method and path. Everything else is checked for its form and passed over. Pure.
/// </summary>
/// <param name="Method">As sent; case counts (RFC 9110 section 9.1).</param>
/// <param name="Path">Path of an origin-form target, without its query, percent-encoded as sent.</param>
public readonly record struct HttpRequestHead(string Method, string Path)
{
    /// <summary>Longest head taken, in bytes.</summary>
    public const int MaxBytes = 8192;

    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>Reads a head. Its beginning is looked at only when its end has come, so that a slow sender costs nothing.</summary>
    /// <param name="bytes">All bytes received so far, at most <see cref="MaxBytes"/>; a body after the head is not looked at.</param>
    /// <param name="head">The request; nothing unless complete.</param>
    public static HttpHeadResult TryRead(ReadOnlySpan<byte> bytes, out HttpRequestHead head)
    {
        head = default;
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return bytes.Length < MaxBytes ? HttpHeadResult.Incomplete : HttpHeadResult.Malformed;
        }
        ReadOnlySpan<byte> lines = bytes[..(end + 2)];
        int first = lines.IndexOf("\r\n"u8);
        return TryReadRequestLine(lines[..first], out head, out bool needsHost) && AreFields(lines[(first + 2)..], needsHost) ? HttpHeadResult.Complete : HttpHeadResult.Malformed;
    }

    // RFC 9112 section 3: method SP request-target SP HTTP-version.
    private static bool TryReadRequestLine(ReadOnlySpan<byte> line, out HttpRequestHead head, out bool needsHost)
    {
        head = default;
        needsHost = false;
        int afterMethod = line.IndexOf((byte)' '), beforeVersion = line.LastIndexOf((byte)' ');
        if (afterMethod <= 0 || beforeVersion <= afterMethod || line[..afterMethod].ContainsAnyExcept(TokenBytes))
        {
            return false;
        }
        ReadOnlySpan<byte> target = line[(afterMethod + 1)..beforeVersion], version = line[(beforeVersion + 1)..];
        if (target.Length == 0 || target[0] != '/' || target.ContainsAnyExceptInRange((byte)'!', (byte)'~') || version.Length != 8 || !version.StartsWith("HTTP/1."u8) || !char.IsAsciiDigit((char)version[7]))
        {
            return false;
        }
        needsHost = version[7] != '0';
        int query = target.IndexOf((byte)'?');
        head = new HttpRequestHead(Encoding.ASCII.GetString(line[..afterMethod]), Encoding.ASCII.GetString(query < 0 ? target : target[..query]));
        return true;
    }

    // RFC 9112 section 5: no blank before the colon, no folded lines; section 3.2: one Host, and exactly one from HTTP/1.1 on.
    private static bool AreFields(ReadOnlySpan<byte> lines, bool needsHost)
    {
        int hosts = 0;
        while (lines.Length > 0)
        {
            int end = lines.IndexOf("\r\n"u8);
            ReadOnlySpan<byte> line = lines[..end];
            lines = lines[(end + 2)..];
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes) || line[colon..].ContainsAny((byte)'\r', (byte)'\n', (byte)0))
            {
                return false;
            }
            hosts += Ascii.EqualsIgnoreCase(line[..colon], "Host"u8) ? 1 : 0;
        }
        return hosts == 1 || (hosts == 0 && !needsHost);
    }
}
