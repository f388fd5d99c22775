namespace TunnelMesh.Protocol.Framing;

/// <summary>
/// Asks the other end to look for the sender's ports: the sender has opened many sockets behind its NAT, and each has sent to the receiver's endpoint, so that a datagram that hits the outer port
/// of one of them comes in. Repeated while they are open. It travels as the plaintext of a transport data message between mesh devices; one that does not know it drops it.
/// <code>
/// offset 0  1 byte   0x04
///        1  3 bytes  zero; a receiver ignores them
/// </code>
/// </summary>
public static class PathCall
{
    /// <summary>Length in bytes; a receiver ignores what follows.</summary>
    public const int Size = 4;

    private const byte CallType = 4;

    /// <summary>Writes a call.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public static void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        destination[0] = CallType;
    }

    /// <summary>True when a plaintext is a call.</summary>
    /// <param name="message">The opened plaintext, any bytes.</param>
    public static bool Is(ReadOnlySpan<byte> message) => message.Length >= Size && message[0] == CallType;
}
