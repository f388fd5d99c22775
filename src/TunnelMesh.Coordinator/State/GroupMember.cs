namespace TunnelMesh.Coordinator.State;

/// <summary>A user in a group: the key is who is meant, the ID a label for people.</summary>
/// <param name="IdentityKey">Raw Ed25519 key, 32 bytes; not to be changed.</param>
/// <param name="UserId">User ID, 16 hex digits.</param>
public sealed record GroupMember(byte[] IdentityKey, string UserId);
