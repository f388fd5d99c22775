using System.Globalization;
using System.Net;

namespace TunnelMesh.Node.Control;

/// <summary>
/// Which coordinators are reached through an HTTP proxy, by CONNECT (RFC 9110, 9.3.6): what <c>HTTPS_PROXY</c> and <c>NO_PROXY</c> say, in either case of
/// letters, the lower one first. Immutable. Prints without the credentials.
/// </summary>
public sealed class ProxySettings
{
    private readonly string[] _names = [];
    private readonly IPNetwork[] _networks = [];
    private readonly bool _nowhere;

    private ProxySettings(Uri? proxy, NetworkCredential? credentials, IEnumerable<string> exceptions)
    {
        Proxy = proxy;
        Credentials = credentials;
        List<string> names = [];
        List<IPNetwork> networks = [];
        foreach (string exception in exceptions)
        {
            if (exception == "*")
            {
                _nowhere = true;
            }
            else if (IPNetwork.TryParse(exception, out IPNetwork network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(exception, out IPAddress? address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                names.Add(exception.StartsWith("*.", StringComparison.Ordinal) ? exception[1..] : exception);
            }
        }
        (_names, _networks) = ([.. names], [.. networks]);
    }

    /// <summary>No proxy.</summary>
    public static ProxySettings None { get; } = new(null, null, []);

    /// <summary>The proxy without credentials, or null.</summary>
    public Uri? Proxy { get; }

    /// <summary>Name and password for the proxy, or null. Secret.</summary>
    internal NetworkCredential? Credentials { get; }

    /// <summary>Reads the environment.</summary>
    /// <param name="variable">The value of a variable, or null.</param>
    /// <exception cref="FormatException">The proxy is not sound; the message says why, without the value.</exception>
    public static ProxySettings Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        string proxy = Get("https_proxy", "HTTPS_PROXY");
        if (proxy.Length == 0)
        {
            return None;
        }
        if (!proxy.Contains("://", StringComparison.Ordinal))
        {
            proxy = "http://" + proxy;
        }
        if (!Uri.TryCreate(proxy, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.Port is < 1 or > 65535)
        {
            throw new FormatException("HTTPS_PROXY is not an address of a proxy. Write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, special characters in percent form.");
        }
        if (uri.Scheme != Uri.UriSchemeHttp)
        {
            throw new FormatException($"HTTPS_PROXY names a proxy that is spoken to by {uri.Scheme}://, and only http:// is supported.");
        }
        NetworkCredential? credentials = null;
        if (uri.UserInfo.Length > 0)
        {
            int colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
            credentials = new NetworkCredential(Uri.UnescapeDataString(colon < 0 ? uri.UserInfo : uri.UserInfo[..colon]), colon < 0 ? "" : Uri.UnescapeDataString(uri.UserInfo[(colon + 1)..]));
        }
        return new ProxySettings(new UriBuilder(Uri.UriSchemeHttp, uri.Host, uri.Port).Uri, credentials,
            Get("no_proxy", "NO_PROXY").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

        string Get(string lower, string upper) => (variable(lower) is { Length: > 0 } value ? value : variable(upper) ?? "").Trim();
    }

    /// <summary>True when a coordinator is reached through the proxy. This machine itself never is.</summary>
    /// <param name="host">Host name or IP address, without brackets.</param>
    /// <param name="port">TCP port.</param>
    public bool Applies(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (Proxy is null || _nowhere)
        {
            return false;
        }
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return !IPAddress.IsLoopback(address) && !Array.Exists(_networks, n => n.Contains(address)) && !Array.Exists(_names, n => Covers(n, host, port));
        }
        string name = host.TrimEnd('.');
        return !name.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !Array.Exists(_names, n => Covers(n, name, port));
    }

    /// <summary>The proxy without credentials, for people.</summary>
    public override string ToString() => Proxy is null ? "no proxy" : $"{Proxy.Host}:{Proxy.Port.ToString(CultureInfo.InvariantCulture)}";

    // As `example.org`, which covers the names below it too, `.example.org`, which covers those only, or with `:port`.
    private static bool Covers(string exception, string name, int port)
    {
        int colon = exception.LastIndexOf(':');
        if (colon >= 0)
        {
            if (exception.AsSpan(colon + 1) is var digits && !(int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int only) && only == port))
            {
                return false;
            }
            exception = exception[..colon];
        }
        return exception.StartsWith('.')
            ? name.EndsWith(exception, StringComparison.OrdinalIgnoreCase)
            : name.Equals(exception, StringComparison.OrdinalIgnoreCase) || name.EndsWith("." + exception, StringComparison.OrdinalIgnoreCase);
    }
}
