using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Traffic of peers to addresses that are not this device's: exit traffic, which the rules of the packet filter are not about.</summary>
internal static class ExitTraffic
{
    /// <summary>The one place where this is decided: whether a packet that came from a peer may leave the mesh through this device. No device is an exit, so none may.</summary>
    /// <param name="tunnel">The peer it came from; its source is the peer's.</param>
    /// <param name="packet">The packet, whose destination is not an address of this device.</param>
    public static bool Allows(PeerTunnel tunnel, in IpPacket packet) => false;
}
