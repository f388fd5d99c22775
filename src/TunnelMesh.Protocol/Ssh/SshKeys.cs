using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>Public keys and signatures of ssh-ed25519 as SSH writes them (RFC 8709).</summary>
internal static class SshKeys
{
    public static ReadOnlySpan<byte> Algorithm => "ssh-ed25519"u8;

    public static byte[] PublicBlob(ReadOnlySpan<byte> key) => new SshWriter().String(Algorithm).String(key).ToArray();

    public static byte[] SignatureBlob(ReadOnlySpan<byte> signature) => new SshWriter().String(Algorithm).String(signature).ToArray();

    /// <summary>The 32-byte key in a blob; false for anything else.</summary>
    public static bool TryReadPublic(ReadOnlySpan<byte> blob, out ReadOnlySpan<byte> key) => TryRead(blob, IdentityKey.PublicKeyBytes, out key);

    /// <summary>The 64-byte signature in a blob; false for anything else.</summary>
    public static bool TryReadSignature(ReadOnlySpan<byte> blob, out ReadOnlySpan<byte> signature) => TryRead(blob, IdentityKey.SignatureBytes, out signature);

    private static bool TryRead(ReadOnlySpan<byte> blob, int length, out ReadOnlySpan<byte> value)
    {
        SshReader reader = new(blob);
        ReadOnlySpan<byte> algorithm = reader.String();
        value = reader.String();
        return reader.IsWhole && value.Length == length && algorithm.SequenceEqual(Algorithm);
    }
}
