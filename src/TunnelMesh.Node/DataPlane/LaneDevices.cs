using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What one lane reads from and writes to.</summary>
/// <param name="Tun">A queue of the TUN device.</param>
/// <param name="Socket">A socket of the port's group.</param>
public readonly record struct LaneDevices(ITunDevice Tun, IUdpSocket Socket);
