using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Control;

/// <summary>How TCP connections to coordinators are made: for a join, a renewal, the control stream and the relay alike.</summary>
public sealed record Dialling
{
    /// <summary>Straight, with nothing special.</summary>
    public static Dialling Plain { get; } = new();

    /// <summary>The HTTP proxies to go through.</summary>
    public ProxySettings Proxy { get; init; } = ProxySettings.None;

    /// <summary>
    /// How long it may take until the WebSocket stands, name, TLS and upgrade included: a host that vanishes between these would otherwise be waited for as long as TCP does, a quarter of an hour.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Finds the addresses behind a name; throws <see cref="SocketException"/> when there are none.</summary>
    public Func<string, Task<IPAddress[]>> Resolve { get; init; } = System.Net.Dns.GetHostAddressesAsync;

    /// <summary>Called with each socket before it connects, or null. Any thread; what it throws ends the attempt.</summary>
    public Action<Socket>? ConfigureSocket { get; init; }
}
