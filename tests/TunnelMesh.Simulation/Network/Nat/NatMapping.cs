using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>An outer port that stands for an inner endpoint, and who may send to it.</summary>
internal sealed class NatMapping(UdpEndpoint inner, UdpEndpoint scope, ushort port, NatOptions options)
{
    private readonly Dictionary<UdpEndpoint, TimeSpan> _remotes = [];
    private TimeSpan _usedAt;

    public UdpEndpoint Inner => inner;

    /// <summary>The remotes it is for.</summary>
    public UdpEndpoint Scope => scope;

    public ushort Port => port;

    /// <summary>The part of a remote endpoint that a behaviour looks at.</summary>
    public static UdpEndpoint ScopeOf(NatBehaviour behaviour, in UdpEndpoint remote) => behaviour switch
    {
        NatBehaviour.EndpointIndependent => default,
        NatBehaviour.AddressDependent => NetAddress.Of(remote).At(0),
        _ => remote,
    };

    public bool IsAlive(TimeSpan now) => now - _usedAt < options.Timeout;

    /// <summary>True when a remote may send to it.</summary>
    public bool Admits(in UdpEndpoint remote, TimeSpan now) =>
        _remotes.TryGetValue(ScopeOf(options.Filtering, remote), out TimeSpan usedAt) && now - usedAt < options.Timeout;

    /// <summary>Something went to a remote, or came from one and counts as use.</summary>
    public void Use(in UdpEndpoint remote, TimeSpan now) => _remotes[ScopeOf(options.Filtering, remote)] = _usedAt = now;
}
