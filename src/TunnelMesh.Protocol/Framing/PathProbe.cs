using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Framing;

/// <summary>
/// The probe that measures a path: a challenge the other end sends back. It travels as the plaintext of a transport data
/// message between mesh devices, never to a stock WireGuard client, and does not drive the session's data timers.
/// <code>
/// offset 0  1 byte   0x01 probe, 0x02 echo (high nibble 0: neither IPv4 nor IPv6)
///        1  3 bytes  zero; a receiver ignores them
///        4  8 bytes  challenge, random, returned unchanged
///       12  any      zeros up to the size that is probed; an echo is as long as its probe
/// </code>
/// </summary>
public static class PathProbe
{
    /// <summary>The least length in bytes.</summary>
    public const int MinSize = 12;

    private const byte ProbeType = 1;
    private const byte EchoType = 2;

    /// <summary>True when a plaintext is peer-to-peer control rather than an IP packet: its high nibble is neither 4 nor 6.</summary>
    /// <param name="plaintext">The opened bytes.</param>
    public static bool IsControl(ReadOnlySpan<byte> plaintext) => !plaintext.IsEmpty && (plaintext[0] >> 4) is not (4 or 6);

    /// <summary>Writes a probe that fills the buffer.</summary>
    /// <param name="destination">At least <see cref="MinSize"/> bytes; all of it is written.</param>
    /// <param name="challenge">Random.</param>
    /// <exception cref="ArgumentException">The buffer is too small.</exception>
    public static void WriteProbe(Span<byte> destination, ulong challenge)
    {
        if (destination.Length < MinSize)
        {
            throw new ArgumentException($"A probe needs at least {MinSize} bytes.", nameof(destination));
        }

        destination.Clear();
        destination[0] = ProbeType;
        BinaryPrimitives.WriteUInt64BigEndian(destination[4..], challenge);
    }

    /// <summary>Turns a received probe into its echo, in place.</summary>
    /// <param name="message">The opened plaintext.</param>
    /// <returns>False when it is no probe; it is then unchanged.</returns>
    public static bool TryMakeEcho(Span<byte> message)
    {
        if (message.Length < MinSize || message[0] != ProbeType)
        {
            return false;
        }

        message[0] = EchoType;
        return true;
    }

    /// <summary>Reads an echo.</summary>
    /// <param name="message">The opened plaintext.</param>
    /// <param name="challenge">What came back.</param>
    /// <returns>False when it is no echo.</returns>
    public static bool TryReadEcho(ReadOnlySpan<byte> message, out ulong challenge)
    {
        bool echo = message.Length >= MinSize && message[0] == EchoType;
        challenge = echo ? BinaryPrimitives.ReadUInt64BigEndian(message[4..]) : 0;
        return echo;
    }
}
