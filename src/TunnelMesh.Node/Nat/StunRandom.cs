namespace TunnelMesh.Node.Nat;

/// <summary>Fills a buffer with random bytes.</summary>
/// <param name="destination">All of it is written.</param>
public delegate void StunRandom(Span<byte> destination);
