using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Relay;

/// <summary>
/// A message of a relay stream: one binary WebSocket message (RFC 6455). Numbers are big-endian.
/// <code>
/// offset 0  1 byte   version, 1
///        1  1 byte   kind
///        2  2 bytes  bytes of each datagram; the last may be shorter (datagrams), else zero
///        4  16 bytes device: to whom when a device sends, from whom when a coordinator does (datagrams, not here, here)
///        4  8 bytes  number (ping, pong); the message ends behind it
///       20  any      datagrams, one behind the other, 65,535 bytes at most
/// </code>
/// A coordinator looks at nothing behind offset 20. All members are pure and write only where they are told to.
/// </summary>
public static class RelayFrame
{
    /// <summary>The version this build speaks.</summary>
    public const byte Version = 1;

    /// <summary>Bytes before the datagrams, and the whole of a notice.</summary>
    public const int HeaderBytes = 20;

    /// <summary>Bytes of a ping or pong.</summary>
    public const int EchoBytes = 12;

    /// <summary>Most bytes of datagrams in one message: as many as a train of the kernel has.</summary>
    public const int MaxDatagramBytes = 65_535;

    /// <summary>Longest message.</summary>
    public const int MaxBytes = HeaderBytes + MaxDatagramBytes;

    /// <summary>The shortest datagram: a WireGuard keepalive. It bounds how many there are in one message.</summary>
    public const int MinDatagramBytes = 32;

    private const int SegmentOffset = 2, BodyOffset = 4;

    /// <summary>What a message is. Datagrams, pings and notices have passed every check that the other members need.</summary>
    /// <param name="message">A whole message.</param>
    public static RelayFrameKind Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < BodyOffset)
        {
            return RelayFrameKind.Damaged;
        }
        if (message[0] != Version)
        {
            return RelayFrameKind.OtherVersion;
        }
        RelayFrameKind kind = (RelayFrameKind)message[1];
        bool sound = kind switch
        {
            RelayFrameKind.Datagrams => message.Length > HeaderBytes && AreSound(message.Length - HeaderBytes, SegmentSize(message)),
            RelayFrameKind.Ping or RelayFrameKind.Pong => message.Length == EchoBytes,
            RelayFrameKind.NotHere or RelayFrameKind.Here => message.Length == HeaderBytes,
            _ => false,
        };
        return sound ? kind : kind is >= RelayFrameKind.Datagrams and <= RelayFrameKind.Here ? RelayFrameKind.Damaged : RelayFrameKind.Unknown;
    }

    /// <summary>True when datagrams of a size can be of WireGuard and fit into one message.</summary>
    /// <param name="bytes">Of all together.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    public static bool AreSound(int bytes, int segmentSize) =>
        bytes <= MaxDatagramBytes && segmentSize >= MinDatagramBytes && segmentSize <= bytes && bytes % segmentSize is 0 or >= MinDatagramBytes;

    /// <summary>How many datagrams.</summary>
    /// <param name="bytes">Of all together.</param>
    /// <param name="segmentSize">Bytes of each, not 0.</param>
    public static int Count(int bytes, int segmentSize) => (bytes + segmentSize - 1) / segmentSize;

    /// <summary>Bytes of each datagram.</summary>
    /// <param name="message">At least 4 bytes.</param>
    public static int SegmentSize(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16BigEndian(message[SegmentOffset..]);

    /// <summary>The device of datagrams or a notice.</summary>
    /// <param name="message">At least <see cref="HeaderBytes"/>.</param>
    public static UInt128 Device(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt128BigEndian(message[BodyOffset..]);

    /// <summary>The number of a ping or pong.</summary>
    /// <param name="message">At least <see cref="EchoBytes"/>.</param>
    public static ulong Number(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt64BigEndian(message[BodyOffset..]);

    /// <summary>Writes what stands before datagrams.</summary>
    /// <param name="destination">At least <see cref="HeaderBytes"/>.</param>
    /// <param name="device">To or from whom.</param>
    /// <param name="segmentSize">Bytes of each datagram, at most 65,535.</param>
    public static void WriteHeader(Span<byte> destination, UInt128 device, int segmentSize)
    {
        destination[0] = Version;
        destination[1] = (byte)RelayFrameKind.Datagrams;
        BinaryPrimitives.WriteUInt16BigEndian(destination[SegmentOffset..], (ushort)segmentSize);
        WriteDevice(destination, device);
    }

    /// <summary>Puts another device into a message: a coordinator makes of "to whom" the "from whom" that it knows to be true.</summary>
    /// <param name="message">At least <see cref="HeaderBytes"/>.</param>
    /// <param name="device">The device.</param>
    public static void WriteDevice(Span<byte> message, UInt128 device) => BinaryPrimitives.WriteUInt128BigEndian(message[BodyOffset..], device);

    /// <summary>Writes a ping or pong.</summary>
    /// <param name="destination">At least <see cref="EchoBytes"/>.</param>
    /// <param name="kind">Which of the two.</param>
    /// <param name="number">Its number.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteEcho(Span<byte> destination, RelayFrameKind kind, ulong number)
    {
        Begin(destination, kind);
        BinaryPrimitives.WriteUInt64BigEndian(destination[BodyOffset..], number);
        return EchoBytes;
    }

    /// <summary>Writes a notice.</summary>
    /// <param name="destination">At least <see cref="HeaderBytes"/>.</param>
    /// <param name="kind">Here or not here.</param>
    /// <param name="device">Who.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteNotice(Span<byte> destination, RelayFrameKind kind, UInt128 device)
    {
        Begin(destination, kind);
        WriteDevice(destination, device);
        return HeaderBytes;
    }

    private static void Begin(Span<byte> destination, RelayFrameKind kind)
    {
        destination[0] = Version;
        destination[1] = (byte)kind;
        destination[SegmentOffset..BodyOffset].Clear();
    }
}
