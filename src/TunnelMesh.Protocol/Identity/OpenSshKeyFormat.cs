using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace TunnelMesh.Protocol.Identity;

/// <summary>OpenSSH's <c>openssh-key-v1</c> container (PROTOCOL.key in OpenSSH's sources), Ed25519 only.</summary>
internal static class OpenSshKeyFormat
{
    private const string Begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    private const string End = "-----END OPENSSH PRIVATE KEY-----";
    private const string Advice = "Move the file away, and a new key is made, with another peer ID; or make one with: ssh-keygen -t ed25519 -N '' -f FILE";
    private static readonly byte[] Magic = "openssh-key-v1\0"u8.ToArray();

    public static byte[] ReadSeed(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin + Begin.Length)
        {
            throw OtherContainer(text);
        }
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(text[(begin + Begin.Length)..end]);
        }
        catch (FormatException e)
        {
            throw new IdentityFormatException("The identity key is damaged: its base64 text cannot be decoded. Restore it from a copy if there is one. " + Advice, e);
        }
        try
        {
            return ReadContainer(bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    public static string WritePrivate(byte[] seed, byte[] publicKey, string comment)
    {
        // The check number only tells a wrong passphrase from a right one; without encryption any value serves.
        uint check = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(publicKey));
        using MemoryStream inner = new();
        WriteUInt32(inner, check);
        WriteUInt32(inner, check);
        WriteString(inner, "ssh-ed25519"u8);
        WriteString(inner, publicKey);
        WriteString(inner, [.. seed, .. publicKey]);
        WriteString(inner, Encoding.UTF8.GetBytes(OneLine(comment)));
        for (byte pad = 1; inner.Length % 8 != 0; pad++)
        {
            inner.WriteByte(pad);
        }
        using MemoryStream outer = new();
        outer.Write(Magic);
        WriteString(outer, "none"u8);
        WriteString(outer, "none"u8);
        WriteString(outer, []);
        WriteUInt32(outer, 1);
        WriteString(outer, PublicBlob(publicKey));
        WriteString(outer, inner.ToArray());
        string base64 = Convert.ToBase64String(outer.ToArray());
        StringBuilder pem = new(Begin + "\n");
        for (int i = 0; i < base64.Length; i += 70)
        {
            pem.Append(base64, i, Math.Min(70, base64.Length - i)).Append('\n');
        }
        return pem.Append(End).Append('\n').ToString();
    }

    public static string WritePublic(byte[] publicKey, string comment) =>
        $"ssh-ed25519 {Convert.ToBase64String(PublicBlob(publicKey))} {OneLine(comment)}".TrimEnd();

    private static byte[] ReadContainer(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic))
        {
            throw Damaged("it does not begin as OpenSSH keys do");
        }
        ReadOnlySpan<byte> rest = bytes[Magic.Length..];
        ReadOnlySpan<byte> cipher = TakeString(ref rest);
        ReadOnlySpan<byte> kdf = TakeString(ref rest);
        TakeString(ref rest);
        uint count = TakeUInt32(ref rest);
        ReadOnlySpan<byte> blob = TakeString(ref rest);
        RequireEd25519(TakeString(ref blob));
        ReadOnlySpan<byte> outerPublic = TakeString(ref blob);
        if (!cipher.SequenceEqual("none"u8) || !kdf.SequenceEqual("none"u8))
        {
            throw new IdentityFormatException("The identity key is encrypted with a passphrase, and nobody is there to type it when the mesh starts. " +
                "Take the passphrase off a copy with: ssh-keygen -p -N '' -f FILE, or make another key for the mesh.");
        }
        if (count != 1)
        {
            throw Damaged($"it holds {count} keys instead of one");
        }
        ReadOnlySpan<byte> inner = TakeString(ref rest);
        if (inner.Length % 8 != 0 || TakeUInt32(ref inner) != TakeUInt32(ref inner))
        {
            throw Damaged("its check numbers differ");
        }
        RequireEd25519(TakeString(ref inner));
        ReadOnlySpan<byte> publicKey = TakeString(ref inner);
        ReadOnlySpan<byte> pair = TakeString(ref inner);
        TakeString(ref inner);
        for (int i = 0; i < inner.Length; i++)
        {
            if (inner[i] != i + 1)
            {
                throw Damaged("its padding is wrong");
            }
        }
        if (publicKey.Length != 32 || pair.Length != 64)
        {
            throw Damaged("its key has the wrong length");
        }
        byte[] seed = pair[..32].ToArray();
        byte[] derived = new byte[32];
        Ed25519.GeneratePublicKey(seed, 0, derived, 0);
        if (!publicKey.SequenceEqual(derived) || !pair[32..].SequenceEqual(derived) || !outerPublic.SequenceEqual(derived))
        {
            throw Damaged("its private and public halves do not belong together");
        }
        return seed;
    }

    private static void RequireEd25519(ReadOnlySpan<byte> type)
    {
        if (!type.SequenceEqual("ssh-ed25519"u8))
        {
            string name = type.Length is > 0 and < 64 && Ascii.IsValid(type) ? Encoding.ASCII.GetString(type) : "of an unknown type";
            throw new IdentityFormatException($"The identity key is {name}; TunnelMesh needs an Ed25519 key. {Advice}");
        }
    }

    private static IdentityFormatException OtherContainer(string text)
    {
        foreach ((string mark, string kind) in new[]
        {
            ("BEGIN RSA PRIVATE KEY", "an RSA key"), ("BEGIN EC PRIVATE KEY", "an ECDSA key"), ("BEGIN DSA PRIVATE KEY", "a DSA key"),
            ("BEGIN ENCRYPTED PRIVATE KEY", "an encrypted PKCS#8 key"), ("BEGIN PRIVATE KEY", "a PKCS#8 key"), ("PuTTY-User-Key-File", "a PuTTY key"),
            ("ssh-ed25519 ", "a public key, not the private one"),
        })
        {
            if (text.Contains(mark, StringComparison.Ordinal))
            {
                return new IdentityFormatException($"The identity key file holds {kind}; TunnelMesh needs an Ed25519 private key in OpenSSH format. {Advice}");
            }
        }
        return Damaged("it has no OPENSSH PRIVATE KEY block");
    }

    private static IdentityFormatException Damaged(string how) =>
        new($"The identity key is damaged: {how}. Restore it from a copy if there is one. {Advice}");

    private static byte[] PublicBlob(byte[] publicKey)
    {
        using MemoryStream blob = new();
        WriteString(blob, "ssh-ed25519"u8);
        WriteString(blob, publicKey);
        return blob.ToArray();
    }

    private static string OneLine(string comment) => comment.ReplaceLineEndings(" ").Trim();

    private static uint TakeUInt32(ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 4)
        {
            throw Damaged("it is cut short");
        }
        uint value = BinaryPrimitives.ReadUInt32BigEndian(rest);
        rest = rest[4..];
        return value;
    }

    private static ReadOnlySpan<byte> TakeString(ref ReadOnlySpan<byte> rest)
    {
        uint length = TakeUInt32(ref rest);
        if (length > (uint)rest.Length)
        {
            throw Damaged("it is cut short");
        }
        ReadOnlySpan<byte> value = rest[..(int)length];
        rest = rest[(int)length..];
        return value;
    }

    private static void WriteUInt32(MemoryStream to, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        to.Write(bytes);
    }

    private static void WriteString(MemoryStream to, ReadOnlySpan<byte> value)
    {
        WriteUInt32(to, (uint)value.Length);
        to.Write(value);
    }
}
