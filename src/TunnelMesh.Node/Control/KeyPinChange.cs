namespace TunnelMesh.Node.Control;

/// <summary>A name now belongs to another user's key.</summary>
/// <param name="Name">Name in the mesh.</param>
/// <param name="OldKey">Hex of the Ed25519 key pinned before.</param>
/// <param name="NewKey">Hex of the key seen now.</param>
public sealed record KeyPinChange(string Name, string OldKey, string NewKey);
