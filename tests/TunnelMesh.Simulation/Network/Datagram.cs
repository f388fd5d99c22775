using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network;

/// <summary>A UDP datagram on its way. Its bytes are never changed: a receiver that destroys its input takes a copy.</summary>
internal sealed record Datagram(UdpEndpoint Source, UdpEndpoint Destination, byte[] Bytes)
{
    /// <summary>Length with UDP and IP header.</summary>
    public int WireBytes => Bytes.Length + 8 + (Destination.IsIPv4 ? 20 : 40);
}
