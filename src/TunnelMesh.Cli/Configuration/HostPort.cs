using System.Buffers;
using System.Globalization;

namespace TunnelMesh.Cli.Configuration;

/// <summary>A host (name, IPv4, IPv6 without brackets, or empty for all addresses) and a port.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    private static readonly SearchValues<char> Forbidden = SearchValues.Create(" /\\@?#");

    /// <summary>Reads <c>host:port</c>, <c>[v6]:port</c>, <c>:port</c>; with a default port also a bare host.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The result.</param>
    /// <param name="defaultPort">Port for text without one; 0 when a port must be given.</param>
    public static bool TryParse(string text, out HostPort value, int defaultPort = 0)
    {
        value = default;
        string host;
        string port;
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0 || !System.Net.IPAddress.TryParse(text[1..close], out _))
            {
                return false;
            }
            host = text[1..close];
            port = text[(close + 1)..];
            if (port.Length > 0 && port[0] != ':')
            {
                return false;
            }
            port = port.Length > 0 ? port[1..] : "";
            if (port.Length == 0 && text[^1] == ':')
            {
                return false;
            }
        }
        else
        {
            int colon = text.LastIndexOf(':');
            if (colon != text.IndexOf(':', StringComparison.Ordinal))
            {
                return false;
            }
            host = colon < 0 ? text : text[..colon];
            port = colon < 0 ? "" : text[(colon + 1)..];
            if ((colon >= 0 && port.Length == 0) || host.AsSpan().ContainsAny(Forbidden))
            {
                return false;
            }
        }
        int number = defaultPort;
        if (port.Length > 0 && !int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }
        if (number is < 1 or > 65535)
        {
            return false;
        }
        value = new HostPort(host, number);
        return true;
    }

    /// <summary>The form that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
