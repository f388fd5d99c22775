using TunnelMesh.Node.Nat;

namespace TunnelMesh.Node.Birthday;

/// <summary>What counts for <see cref="PeerBirthday"/> of the moment.</summary>
/// <param name="Own">This device's NAT.</param>
/// <param name="HasKeys">Whether there is a session to seal with.</param>
/// <param name="IsWanted">Whether there is traffic on either side, and UDP would be better than what carries it.</param>
/// <param name="IsDirect">Whether a proven path over UDP is in use, or one that is preferred to UDP.</param>
/// <param name="Socket">The socket of the path in use; 0 for the tunnel's port, and over a carrier.</param>
internal readonly record struct BirthdayView(NatKind Own, bool HasKeys, bool IsWanted, bool IsDirect, ushort Socket);
