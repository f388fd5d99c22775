using System.Net;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>A device that may be connected to, and may connect.</summary>
/// <param name="DeviceId">Its ID as a big-endian number.</param>
/// <param name="IdentityKey">Its user's raw Ed25519 key, 32 bytes: the only host key and user key accepted of it.</param>
/// <param name="Endpoints">Where its SSH port may be; tried in this order, both families in turn. Empty when it only connects to us.</param>
public sealed record SshPeer(UInt128 DeviceId, byte[] IdentityKey, IReadOnlyList<IPEndPoint> Endpoints);
