namespace TunnelMesh.Protocol.PortMapping;

/// <summary>The mapping nonce (RFC 6887 section 11.1): random, kept for the life of a mapping, and proof that an answer is to us.</summary>
/// <param name="High">The first eight bytes, as a big-endian number.</param>
/// <param name="Low">The last four bytes, as a big-endian number.</param>
public readonly record struct PcpNonce(ulong High, uint Low);
