using System.Net;

namespace TunnelMesh.Node.Nat;

/// <summary>What a gateway is asked for.</summary>
/// <param name="Gateway">Whom.</param>
/// <param name="Local">Our address towards it; null for the system's choice.</param>
/// <param name="Port">Our UDP port.</param>
/// <param name="Held">What it gave us before, to be renewed; null for the first time.</param>
/// <param name="Lifetime">How long it shall last.</param>
internal sealed record MappingWish(IPAddress Gateway, IPAddress? Local, ushort Port, IPEndPoint? Held, TimeSpan Lifetime)
{
    /// <summary>The lifetime as the protocols have it.</summary>
    public uint Seconds => (uint)Math.Ceiling(Lifetime.TotalSeconds);

    /// <summary>The port wanted outside: that which we have, else the same as ours.</summary>
    public ushort WantedPort => Held is null ? Port : (ushort)Held.Port;
}
