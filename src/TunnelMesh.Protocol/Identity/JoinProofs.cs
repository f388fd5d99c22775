using System.Security.Cryptography;
using System.Text;

namespace TunnelMesh.Protocol.Identity;

/// <summary>The proofs of a join, mutual and bound to one TLS connection: each has its own label, so that none can be passed off as another.</summary>
public static class JoinProofs
{
    /// <summary>Length of each HMAC in bytes.</summary>
    public const int ProofBytes = 32;

    /// <summary>HKDF-SHA256 (RFC 5869) of a normalised token (<see cref="MeshToken.TryParse"/>); 32 bytes, secret like the token.</summary>
    public static byte[] TokenKey(string token) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(token), 32, salt: null, info: "TunnelMesh token key v1"u8.ToArray());

    /// <summary>The peer's proof that it knows the token.</summary>
    public static byte[] PeerTokenProof(ReadOnlySpan<byte> tokenKey, ReadOnlySpan<byte> transcript) =>
        Mac(tokenKey, "TunnelMesh join: peer knows the token\0"u8, transcript, []);

    /// <summary>The coordinator's proof that it knows the token; sent only after the peer's has verified.</summary>
    public static byte[] CoordinatorTokenProof(ReadOnlySpan<byte> tokenKey, ReadOnlySpan<byte> transcript) =>
        Mac(tokenKey, "TunnelMesh join: coordinator knows the token\0"u8, transcript, []);

    /// <summary>The peer's proof that it has the private half of its device key.</summary>
    /// <param name="shared">X25519 agreement of device key and the challenge's ephemeral key, 32 bytes.</param>
    /// <param name="transcript">The transcript, 32 bytes.</param>
    /// <param name="deviceRecord">The signed record as sent.</param>
    public static byte[] DeviceProof(ReadOnlySpan<byte> shared, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> deviceRecord) =>
        Mac(shared, "TunnelMesh join: device key\0"u8, transcript, deviceRecord);

    /// <summary>The bytes the identity key signs: label, transcript, SHA-256 of the device record.</summary>
    public static byte[] IdentityMessage(ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> deviceRecord) =>
        [.. "TunnelMesh join: identity\0"u8, .. transcript, .. SHA256.HashData(deviceRecord)];

    /// <summary>Constant-time check of <see cref="PeerTokenProof"/>.</summary>
    public static bool VerifyPeerToken(ReadOnlySpan<byte> proof, ReadOnlySpan<byte> tokenKey, ReadOnlySpan<byte> transcript) =>
        CryptographicOperations.FixedTimeEquals(proof, PeerTokenProof(tokenKey, transcript));

    /// <summary>Constant-time check of <see cref="CoordinatorTokenProof"/>.</summary>
    public static bool VerifyCoordinatorToken(ReadOnlySpan<byte> proof, ReadOnlySpan<byte> tokenKey, ReadOnlySpan<byte> transcript) =>
        CryptographicOperations.FixedTimeEquals(proof, CoordinatorTokenProof(tokenKey, transcript));

    /// <summary>Constant-time check of <see cref="DeviceProof"/>.</summary>
    public static bool VerifyDevice(ReadOnlySpan<byte> proof, ReadOnlySpan<byte> shared, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> deviceRecord) =>
        CryptographicOperations.FixedTimeEquals(proof, DeviceProof(shared, transcript, deviceRecord));

    /// <summary>Checks the signature over <see cref="IdentityMessage"/>.</summary>
    public static bool VerifyIdentity(ReadOnlySpan<byte> signature, ReadOnlySpan<byte> identityKey, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> deviceRecord) =>
        IdentityKey.Verify(identityKey, IdentityMessage(transcript, deviceRecord), signature);

    // Transcript and hashed record have fixed lengths, so the concatenation is unambiguous.
    private static byte[] Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> label, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> record) =>
        HMACSHA256.HashData(key, [.. label, .. transcript, .. SHA256.HashData(record)]);
}
