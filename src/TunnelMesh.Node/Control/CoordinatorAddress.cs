using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace TunnelMesh.Node.Control;

/// <summary>Where a coordinator is dialled.</summary>
/// <param name="Host">Host name or IP address, without brackets.</param>
/// <param name="Port">TCP port.</param>
public sealed record CoordinatorAddress(string Host, int Port)
{
    /// <summary>The port of the coordinator API when none is given.</summary>
    public const int DefaultPort = 8443;

    /// <summary>Parses <c>host</c>, <c>host:port</c>, <c>[v6]:port</c> or <c>https://host:port</c>.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out CoordinatorAddress? address)
    {
        address = null;
        string rest = (text ?? "").Trim();
        if (rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest[8..];
        }
        rest = rest.TrimEnd('/');
        // A bare IPv6 address has more than one colon and no brackets.
        if (System.Net.IPAddress.TryParse(rest, out System.Net.IPAddress? ip) && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && !rest.StartsWith('['))
        {
            address = new CoordinatorAddress(rest, DefaultPort);
            return true;
        }
        int port = DefaultPort;
        int colon = rest.LastIndexOf(':');
        if (colon > rest.LastIndexOf(']'))
        {
            if (!int.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)
            {
                return false;
            }
            rest = rest[..colon];
        }
        string host = rest.StartsWith('[') && rest.EndsWith(']') ? rest[1..^1] : rest;
        if (host.Length == 0 || Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            return false;
        }
        address = new CoordinatorAddress(host, port);
        return true;
    }

    /// <summary>The WebSocket URI of a path.</summary>
    public Uri WebSocket(string path) => new UriBuilder("wss", Host, Port, path).Uri;

    /// <summary>host:port, IPv6 in brackets.</summary>
    public override string ToString() =>
        (Host.Contains(':', StringComparison.Ordinal) ? "[" + Host + "]" : Host) + ":" + Port.ToString(CultureInfo.InvariantCulture);
}
