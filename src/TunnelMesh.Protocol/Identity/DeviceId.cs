using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Identity;

/// <summary>Identifies a device (one installation in one mesh) by its X25519 key.</summary>
public static class DeviceId
{
    /// <summary>Length of the textual ID.</summary>
    public const int TextLength = 32;

    /// <summary>Lower-case hex of the first 16 bytes of SHA-256 over the raw 32-byte X25519 public key: 32 characters.</summary>
    /// <exception cref="ArgumentException">The key is not 32 bytes long.</exception>
    public static string FromDeviceKey(ReadOnlySpan<byte> deviceKey)
    {
        if (deviceKey.Length != DeviceKey.KeyBytes)
        {
            throw new ArgumentException("an X25519 public key has 32 bytes", nameof(deviceKey));
        }
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(deviceKey, hash);
        return Convert.ToHexStringLower(hash[..16]);
    }
}
