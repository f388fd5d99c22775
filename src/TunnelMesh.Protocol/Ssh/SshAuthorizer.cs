namespace TunnelMesh.Protocol.Ssh;

/// <summary>Tells whether a device may log in with a key: it is in the mesh, and the key is its user's. Any thread; returns at once.</summary>
/// <param name="device">The device ID as a big-endian number.</param>
/// <param name="identityKey">The raw Ed25519 key, 32 bytes.</param>
public delegate bool SshAuthorizer(UInt128 device, ReadOnlySpan<byte> identityKey);
