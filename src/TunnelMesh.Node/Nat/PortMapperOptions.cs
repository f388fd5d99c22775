using System.Net.Sockets;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Node.Nat;

/// <summary>What port mapping needs.</summary>
public sealed record PortMapperOptions
{
    /// <summary>The UDP port to be reached at.</summary>
    public required int Port { get; init; }
    /// <summary>How this machine is connected now, for the gateways. Any thread; may throw an <see cref="IOException"/>.</summary>
    public required Func<NetworkState> Network { get; init; }
    /// <summary>Told when a mapping came, changed or went. On a thread of the pool; returns soon and throws nothing.</summary>
    public Action? Changed { get; init; }
    /// <summary>Methods tried, in this order.</summary>
    public IReadOnlyList<PortMappingMethod> Methods { get; init; } = [PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp];
    /// <summary>Lifetime asked for; a mapping is renewed at half of what was given.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);
    /// <summary>Makes every socket, which is bound and connected afterwards; a place to mark it. Any thread; what it throws should be a <see cref="SocketException"/>.</summary>
    public Func<AddressFamily, SocketType, ProtocolType, Socket> MakeSocket { get; init; } = (family, type, protocol) => new Socket(family, type, protocol);
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
