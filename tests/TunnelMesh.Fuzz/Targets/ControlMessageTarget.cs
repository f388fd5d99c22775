using System.Text;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Control messages: what decodes must encode and decode to the same bytes again.</summary>
internal static class ControlMessageTarget
{
    public static FuzzTarget Create() => new("control-message", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        ControlCodec.Encode(new JoinHello
        {
            Version = 1, OldestVersion = 1, Nonce = new byte[32], IdentityKey = new byte[32], DeviceKey = new byte[32],
            TlsKey = new byte[91], Name = "nas", UnixTimeMs = 1_700_000_000_000, Capabilities = ["a", "b"],
        }),
        ControlCodec.Encode(new JoinProof { TokenProof = new byte[32], IdentitySignature = new byte[64], DeviceProof = new byte[32], DeviceRecord = [1, 2] }),
        ControlCodec.Encode(new ControlHello { Version = 1, OldestVersion = 1, MapEpoch = "e", MapNumber = 7, UdpPort = 2223, Endpoints = ["192.0.2.1:2223"] }),
        ControlCodec.Encode(new MapDelta { Epoch = "e", From = 1, Number = 2, Removed = ["x"], Presence = [new PresenceChange { Id = "x", Online = true, LastSeen = 5 }] }),
        ControlCodec.Encode(new MapRequest { Epoch = "e", Number = 3 }),
        ControlCodec.Encode(new LeaveRequest()),
        ControlCodec.Encode(new SignOfLife()),
        ControlCodec.Encode(new ErrorMessage { Code = ControlErrorCodes.BadMessage, Message = "no", RetryAfterSeconds = 1 }),
        Encoding.UTF8.GetBytes("{\"a\":{\"type\":\"leave\"},\"type\":\"leave\"}"),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        object? message = ControlCodec.Decode(input.Span, out _);
        if (message is null)
        {
            return;
        }
        byte[] once = ControlCodec.Encode(message);
        object? again = ControlCodec.Decode(once, out string? type);
        Check.That(again is not null && type is not null, "an encoded message does not decode");
        Check.That(ControlCodec.Encode(again!).AsSpan().SequenceEqual(once), "encoding is not stable");
    }
}
