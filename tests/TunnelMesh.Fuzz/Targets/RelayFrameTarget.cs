using System.Buffers.Binary;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Messages of a relay stream: what is accepted has the lengths it must have, and goes through a queue unchanged.</summary>
internal static class RelayFrameTarget
{
    public static FuzzTarget Create() => new("relay-frame", Seeds(), Run);

    private static byte[][] Seeds()
    {
        byte[] one = new byte[RelayFrame.HeaderBytes + 148], train = new byte[RelayFrame.HeaderBytes + (3 * 200) + 50], ping = new byte[RelayFrame.EchoBytes], gone = new byte[RelayFrame.HeaderBytes];
        RelayFrame.WriteHeader(one, UInt128.MaxValue, 148);
        RelayFrame.WriteHeader(train, 5, 200);
        RelayFrame.WriteEcho(ping, RelayFrameKind.Ping, 7);
        RelayFrame.WriteNotice(gone, RelayFrameKind.NotHere, 9);
        return [one, train, ping, gone];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> bytes = input.Span;
        switch (RelayFrame.Read(bytes))
        {
            case RelayFrameKind.Datagrams:
                int left = bytes.Length - 20, size = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
                Check.That(left is >= 32 and <= 65_535, "too few or too many bytes");
                int count = 0;
                for (; left > 0; left -= size, count++)
                {
                    Check.That(Math.Min(left, size) >= 32, "a datagram that WireGuard does not send");
                }
                Check.That(count is >= 1 and <= 2048 && count == RelayFrame.Count(bytes.Length - 20, size), "the number of datagrams is wrong");
                PassQueue(bytes, size);
                break;
            case RelayFrameKind.Ping or RelayFrameKind.Pong:
                Check.That(bytes.Length == 12, "an echo of the wrong length");
                break;
            case RelayFrameKind.Here or RelayFrameKind.NotHere:
                Check.That(bytes.Length == 20, "a notice of the wrong length");
                break;
            case RelayFrameKind.OtherVersion:
                Check.That(bytes[0] != 1, "its own version is refused");
                break;
            case RelayFrameKind.Unknown:
                Check.That(bytes[1] is 0 or > 5, "a known kind is called unknown");
                break;
            default:
                break;
        }
    }

    private static void PassQueue(ReadOnlySpan<byte> message, int size)
    {
        RelayQueue queue = new();
        UInt128 device = RelayFrame.Device(message);
        queue.Add(device, message[20..], size);
        queue.Add(device, message[20..], size);
        int seen = 0;
        while (queue.TryTake(out RelayBuffer part))
        {
            Check.That(RelayFrame.Read(part.Message.Span) == RelayFrameKind.Datagrams && RelayFrame.Device(part.Array) == device, "the queue made a damaged message");
            for (int at = 20; at < part.Length; at += message.Length - 20)
            {
                Check.That(part.Message.Span.Slice(at, message.Length - 20).SequenceEqual(message[20..]), "datagrams came out of the queue changed");
                seen++;
            }
            part.Return();
        }
        Check.That(seen == 2 && queue is { Count: 0, Bytes: 0 }, "the queue lost something");
    }
}
