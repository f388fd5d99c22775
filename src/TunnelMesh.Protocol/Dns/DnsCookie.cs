using System.Buffers.Binary;
using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Dns;

/// <summary>
/// Server cookies that need no memory (RFC 7873, layout and hash of RFC 9018): version, reserved, time, and a keyed hash over the client's cookie and address. An
/// asker that shows one receives what is sent to its address. Pure.
/// </summary>
public static class DnsCookie
{
    /// <summary>Bytes of a client's cookie, a server's, and both together.</summary>
    public const int ClientSize = 8, ServerSize = 16, Size = ClientSize + ServerSize;

    /// <summary>Bytes of the server's key.</summary>
    public const int KeySize = 16;

    // RFC 9018 section 4.3: valid for an hour, five minutes ahead at most.
    private const int MaxAge = 3600, MaxAhead = 300;

    /// <summary>Writes the client's cookie followed by the server's for it.</summary>
    /// <param name="option">The option of the query, at least <see cref="ClientSize"/> bytes.</param>
    /// <param name="address">The asker's address, 4 or 16 bytes.</param>
    /// <param name="key">The server's key.</param>
    /// <param name="unixSeconds">Now.</param>
    /// <param name="cookie">Room for <see cref="Size"/> bytes.</param>
    public static void Write(ReadOnlySpan<byte> option, ReadOnlySpan<byte> address, ReadOnlySpan<byte> key, uint unixSeconds, Span<byte> cookie)
    {
        option[..ClientSize].CopyTo(cookie);
        cookie[ClientSize] = 1;
        cookie.Slice(ClientSize + 1, 3).Clear();
        BinaryPrimitives.WriteUInt32BigEndian(cookie[(ClientSize + 4)..], unixSeconds);
        BinaryPrimitives.WriteUInt64LittleEndian(cookie[16..], Hash(cookie[..16], address, key));
    }

    /// <summary>True when the option holds a cookie that this server gave to this address within the last hour.</summary>
    /// <param name="option">The option of the query.</param>
    /// <param name="address">The asker's address, 4 or 16 bytes.</param>
    /// <param name="key">The server's key.</param>
    /// <param name="unixSeconds">Now.</param>
    public static bool IsValid(ReadOnlySpan<byte> option, ReadOnlySpan<byte> address, ReadOnlySpan<byte> key, uint unixSeconds)
    {
        if (option.Length != Size || option[ClientSize] != 1)
        {
            return false;
        }
        // Serial arithmetic, as the RFC asks for: the clock's 32 bits wrap.
        int age = (int)(unixSeconds - BinaryPrimitives.ReadUInt32BigEndian(option[(ClientSize + 4)..]));
        Span<byte> hash = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(hash, Hash(option[..16], address, key));
        return age is >= -MaxAhead and <= MaxAge && CryptographicOperations.FixedTimeEquals(hash, option[16..]);
    }

    private static ulong Hash(ReadOnlySpan<byte> head, ReadOnlySpan<byte> address, ReadOnlySpan<byte> key)
    {
        Span<byte> input = stackalloc byte[32];
        head.CopyTo(input);
        address.CopyTo(input[16..]);
        return SipHash.Compute(key, input[..(16 + address.Length)]);
    }
}
