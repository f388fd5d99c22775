using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Gzipped control messages: no input unpacks to more than allowed, and what decodes packs and decodes again.</summary>
internal static class PackedMessageTarget
{
    private const int MaxBytes = 64 * 1024;

    public static FuzzTarget Create() => new("packed-message", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        ControlCodec.Pack(ControlCodec.Encode(new MapDelta
        {
            Epoch = "e", From = 1, Number = 3,
            Presence = [new PresenceChange { Id = "x", Online = true, LastSeen = 5, Endpoints = ["192.0.2.1:1"], Transports = ["udp"], ProgramVersion = "1" }],
        })),
        ControlCodec.Pack(ControlCodec.Encode(new LeaveRequest())),
        ControlCodec.Pack(new byte[MaxBytes * 4]),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (ControlCodec.DecodePacked(input, MaxBytes) is not { } message)
        {
            return;
        }
        byte[] json = ControlCodec.Encode(message);
        object? again = ControlCodec.DecodePacked(ControlCodec.Pack(json), json.Length);
        Check.That(again is not null && ControlCodec.Encode(again).AsSpan().SequenceEqual(json), "a packed message does not come back");
        Check.That(ControlCodec.DecodePacked(ControlCodec.Pack(json), json.Length - 1) is null, "the limit does not hold");
    }
}
