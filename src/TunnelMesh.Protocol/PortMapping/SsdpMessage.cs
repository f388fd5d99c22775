using System.Net;
using System.Text;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Discovery of UPnP (UPnP Device Architecture 1.1, section 1.3): how a gateway is searched, and what it answers. Pure.</summary>
public static class SsdpMessage
{
    /// <summary>UDP port of discovery.</summary>
    public const int Port = 1900;
    /// <summary>Longer answers are not looked at.</summary>
    public const int MaxSize = 4096;

    private const int MaxLocation = 512;

    /// <summary>The group that is searched.</summary>
    public static IPAddress Group { get; } = IPAddress.Parse("239.255.255.250");

    /// <summary>What is searched: version 2 answers to version 1 as well.</summary>
    public static string Target => "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

    /// <summary>A search for gateways.</summary>
    public static byte[] Search() => Encoding.ASCII.GetBytes(
        $"M-SEARCH * HTTP/1.1\r\nHOST: {Group}:{Port}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {Target}\r\n\r\n");

    /// <summary>Reads where a gateway that answered is described. Only a plain http address by number counts: the caller compares it with the sender's.</summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="location">The address of the description.</param>
    /// <returns>False for anything but an answer of a gateway.</returns>
    public static bool TryReadResponse(ReadOnlySpan<byte> datagram, out Uri? location)
    {
        location = null;
        if (datagram.Length > MaxSize || !datagram.StartsWith("HTTP/1."u8))
        {
            return false;
        }

        string[] lines = Encoding.Latin1.GetString(datagram).Split("\r\n");
        string[] status = lines[0].Split(' ', 3);
        return status.Length >= 2 && status[1] == "200"
            && Header(lines, "ST") is { } target && target.StartsWith("urn:schemas-upnp-org:device:InternetGatewayDevice:", StringComparison.OrdinalIgnoreCase)
            && Header(lines, "LOCATION") is { Length: <= MaxLocation } text && TryReadAddress(text, out location);
    }

    /// <summary>An http address whose host is an IP address, without user and fragment.</summary>
    internal static bool TryReadAddress(string text, out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address) && IsPlain(address) || (address = null) is not null;

    /// <summary>True for http, an IP address, and no user.</summary>
    internal static bool IsPlain(Uri address) =>
        address.Scheme == Uri.UriSchemeHttp && address.UserInfo.Length == 0 && address.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6;

    private static string? Header(string[] lines, string name)
    {
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon == name.Length && line.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                return line[(colon + 1)..].Trim();
            }
        }

        return null;
    }
}
