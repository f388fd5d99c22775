namespace TunnelMesh.Protocol.Ssh;

/// <summary>A message of a key exchange on its way out.</summary>
/// <param name="Payload">From its number on.</param>
/// <param name="KeysAfter">What seals everything behind it; with NEWKEYS only.</param>
internal readonly record struct SshOutgoing(byte[] Payload, SshCipher? KeysAfter = null);
