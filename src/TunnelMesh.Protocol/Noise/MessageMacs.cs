using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>mac1 and mac2, the last 32 bytes of an initiation or response (whitepaper 5.4.4).</summary>
internal static class MessageMacs
{
    /// <summary>Writes both; mac2 is zero without a cookie.</summary>
    public static void Write(Span<byte> message, ReadOnlySpan<byte> mac1Key, ReadOnlySpan<byte> cookie)
    {
        Span<byte> mac1 = message.Slice(message.Length - 32, WireGuardMessage.MacSize);
        NoiseHash.Mac(mac1Key, message[..^32], mac1);
        Span<byte> mac2 = message[^WireGuardMessage.MacSize..];
        mac2.Clear();
        if (!cookie.IsEmpty)
        {
            NoiseHash.Mac(cookie, message[..^WireGuardMessage.MacSize], mac2);
        }
    }

    /// <summary>Constant-time check of mac1: whoever sent this knows whom it is for.</summary>
    public static bool IsMac1Valid(ReadOnlySpan<byte> message, ReadOnlySpan<byte> mac1Key)
    {
        Span<byte> expected = stackalloc byte[WireGuardMessage.MacSize];
        NoiseHash.Mac(mac1Key, message[..^32], expected);
        return CryptographicOperations.FixedTimeEquals(expected, message.Slice(message.Length - 32, WireGuardMessage.MacSize));
    }

    /// <summary>Constant-time check of mac2 under a cookie: whoever sent this can receive at its address.</summary>
    public static bool IsMac2Valid(ReadOnlySpan<byte> message, ReadOnlySpan<byte> cookie)
    {
        Span<byte> expected = stackalloc byte[WireGuardMessage.MacSize];
        NoiseHash.Mac(cookie, message[..^WireGuardMessage.MacSize], expected);
        return CryptographicOperations.FixedTimeEquals(expected, message[^WireGuardMessage.MacSize..]);
    }
}
