using System.Security.Cryptography;
using TunnelMesh.Node.Filter;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What a tunnel engine needs.</summary>
public sealed record TunnelEngineOptions
{
    /// <summary>This device's key; stays the caller's to dispose, after the engine is out of use.</summary>
    public required LocalStatic Key { get; init; }

    /// <summary>Timestamps drive the timers, the wall clock TAI64N.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Fills a span with cryptographic randomness, from any thread.</summary>
    public Action<Span<byte>> Random { get; init; } = RandomNumberGenerator.Fill;

    /// <summary>Remembers the last TAI64N sent; null for none.</summary>
    public ITai64nStore? LastSent { get; init; }

    /// <summary>The largest inner packet in bytes, which bounds WireGuard's padding and sizes the probes.</summary>
    public int Mtu { get; init; } = 1400;

    /// <summary>This device's inside addresses with the lengths of their prefixes. Incoming packets must be for one of them, or for a
    /// group or broadcast; without any, every destination is taken.</summary>
    public IReadOnlyList<TunAddress> Addresses { get; init; } = [];

    /// <summary>Which packets of peers come in; null for all of them.</summary>
    public PacketFilter? Filter { get; init; }

    /// <summary>What leaves the mesh; null for nothing.</summary>
    public ExitTraffic? Exit { get; init; }

    /// <summary>What the TUN takes beyond single packets: opened packets are joined for <see cref="ITunnelOutput.WriteGroup"/> as far as this allows.</summary>
    public TunOffloads Offloads { get; init; }

    /// <summary>Handshake messages a second above which senders must first prove their address by a cookie (WireGuard paper, 5.3).</summary>
    public int HandshakesPerSecondBeforeCookies { get; init; } = 200;
}
