using System.Text;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// What each side offers at the beginning of a key exchange (RFC 4253 section 7.1). We offer one algorithm for each purpose, so that nothing can be
/// talked down: curve25519-sha256 (RFC 8731), ssh-ed25519 (RFC 8709), aes256-gcm@openssh.com and strict key exchange (PROTOCOL in OpenSSH's sources).
/// </summary>
internal static class SshKexInit
{
    private const int CookieBytes = 16;
    private const string Exchange = "curve25519-sha256", ExchangeOld = "curve25519-sha256@libssh.org";
    private const string HostKey = "ssh-ed25519", Cipher = "aes256-gcm@openssh.com";

    // Never used, since the cipher authenticates; other implementations want to agree on something all the same.
    private const string Mac = "hmac-sha2-256";
    private const string StrictClient = "kex-strict-c-v00@openssh.com", StrictServer = "kex-strict-s-v00@openssh.com";

    /// <summary>Makes our message.</summary>
    /// <param name="isClient">Our role.</param>
    /// <param name="random">Source of the cookie.</param>
    public static byte[] Write(bool isClient, Action<Span<byte>> random)
    {
        Span<byte> cookie = stackalloc byte[CookieBytes];
        random(cookie);
        return new SshWriter(SshMessage.KexInit).Bytes(cookie)
            .String($"{Exchange},{ExchangeOld},{(isClient ? StrictClient : StrictServer)}").String(HostKey)
            .String(Cipher).String(Cipher).String(Mac).String(Mac).String("none").String("none").String("").String("")
            .Boolean(false).UInt32(0).ToArray();
    }

    /// <summary>Judges the other side's message.</summary>
    /// <param name="payload">The message, from its number on.</param>
    /// <param name="theyAreClient">Their role.</param>
    /// <param name="first">True in the first exchange of a connection: strict key exchange is asked for there only.</param>
    /// <param name="wrongGuess">True when they have sent a first message of another exchange behind it, to be passed over.</param>
    /// <returns>Null when we agree; else what is missing.</returns>
    public static string? Check(ReadOnlySpan<byte> payload, bool theyAreClient, bool first, out bool wrongGuess)
    {
        SshReader reader = new(payload);
        reader.Take(1 + CookieBytes);
        ReadOnlySpan<byte> exchanges = reader.String(), hostKeys = reader.String();
        ReadOnlySpan<byte> cipherOut = reader.String(), cipherIn = reader.String();
        reader.String();
        reader.String();
        ReadOnlySpan<byte> compressionOut = reader.String(), compressionIn = reader.String();
        reader.String();
        reader.String();
        bool guessed = reader.Boolean();
        reader.UInt32();
        wrongGuess = false;
        if (!reader.IsWhole)
        {
            return "a KEXINIT that is cut short";
        }
        if (!Contains(exchanges, Exchange) && !Contains(exchanges, ExchangeOld))
        {
            return "no common key exchange (curve25519-sha256)";
        }
        if (first && !Contains(exchanges, theyAreClient ? StrictClient : StrictServer))
        {
            return "no strict key exchange";
        }
        if (!Contains(hostKeys, HostKey))
        {
            return "no common host key algorithm (ssh-ed25519)";
        }
        if (!Contains(cipherOut, Cipher) || !Contains(cipherIn, Cipher))
        {
            return "no common cipher (aes256-gcm@openssh.com)";
        }
        if (!Contains(compressionOut, "none") || !Contains(compressionIn, "none"))
        {
            return "compression is asked for";
        }
        wrongGuess = guessed && !((IsFirst(exchanges, Exchange) || IsFirst(exchanges, ExchangeOld)) && IsFirst(hostKeys, HostKey));
        return null;
    }

    private static bool IsFirst(ReadOnlySpan<byte> list, string name)
    {
        int comma = list.IndexOf((byte)',');
        return Is(comma < 0 ? list : list[..comma], name);
    }

    private static bool Contains(ReadOnlySpan<byte> list, string name)
    {
        foreach (Range part in list.Split((byte)','))
        {
            if (Is(list[part], name))
            {
                return true;
            }
        }
        return false;
    }

    private static bool Is(ReadOnlySpan<byte> bytes, string name) => Ascii.Equals(bytes, name);
}
