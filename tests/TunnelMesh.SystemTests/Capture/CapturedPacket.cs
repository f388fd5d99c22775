namespace TunnelMesh.SystemTests.Capture;

/// <summary>An IP packet or super-packet as the kernel has it at a device.</summary>
/// <param name="Outgoing">On its way from this machine's kernel into the device; else from the device into the kernel.</param>
/// <param name="Partial">The checksum of the transport is still to be completed: its field holds the sum over the pseudo-header.</param>
/// <param name="GsoType">VIRTIO_NET_HDR_GSO_*: 0 for a single packet, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP.</param>
/// <param name="Bytes">From the IP header on.</param>
/// <param name="At">When it passed there, by the kernel's clock.</param>
internal sealed record CapturedPacket(bool Outgoing, bool Partial, int GsoType, byte[] Bytes, DateTimeOffset At);
