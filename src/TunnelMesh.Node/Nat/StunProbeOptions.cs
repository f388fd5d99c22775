using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What a <see cref="StunProbe"/> needs.</summary>
public sealed record StunProbeOptions
{
    /// <summary>Our UDP port, which all requests leave from.</summary>
    public required int LocalPort { get; init; }
    /// <summary>Sends from that port. Any thread, under a lock of the probe's: it returns at once, throws nothing, and does not call the probe.</summary>
    public required StunSend Send { get; init; }
    /// <summary>Whether an address is one of this machine's; its port is of no matter. The same rules.</summary>
    public required Func<UdpEndpoint, bool> IsOwnAddress { get; init; }
    /// <summary>Told when the findings changed, or when all servers have answered or been given up after a start or a change of the network. On a thread of the pool or that of <see cref="StunProbe.Handle"/>; the same rules, but not under the lock.</summary>
    public Action? Changed { get; init; }
    /// <summary>Fills with random bytes that nobody can guess.</summary>
    public required StunRandom Random { get; init; }
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
