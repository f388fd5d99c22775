using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Where an engine's output goes: the network and the TUN device. Called on the engine's thread; buffers are free again on return.</summary>
public interface ITunnelOutput
{
    /// <summary>Sends a sealed datagram.</summary>
    /// <param name="datagram">A whole WireGuard message.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when there is no way to the destination; the datagram is lost and counted.</returns>
    bool SendDatagram(ReadOnlySpan<byte> datagram, in UdpEndpoint destination);

    /// <summary>Hands an opened packet to this machine.</summary>
    /// <param name="packet">A whole IPv4 or IPv6 packet.</param>
    /// <returns>False when the system refused it; it is lost and counted.</returns>
    bool WritePacket(ReadOnlySpan<byte> packet);
}
