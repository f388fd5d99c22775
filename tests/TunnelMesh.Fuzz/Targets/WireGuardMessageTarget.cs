using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Datagrams from the network against a responder, an initiator and a session: nothing but the genuine bytes may pass.</summary>
internal static class WireGuardMessageTarget
{
    private static readonly LocalStatic Alice = new(Bytes(1)), Bob = new(Bytes(2));
    private static readonly byte[] Initiation = new byte[WireGuardMessage.InitiationSize], Response = new byte[WireGuardMessage.ResponseSize];
    private static readonly byte[] Transport = new byte[64], Cookie = new byte[WireGuardMessage.CookieReplySize];
    private static readonly CookieResponder BobCookies = new(Bob, TimeProvider.System, span => span.Fill(9));

    public static FuzzTarget Create()
    {
        using InitiatorHandshake handshake = Begin();
        using ReceivedInitiation received = ReceivedInitiation.TryRead(Bob, Initiation)!;
        using TransportKeypair session = received.Respond([], 2, [], span => span.Fill(4), 0, TimeProvider.System, Response)!;
        session.Seal(Transport, 30, 32, 0);
        BobCookies.WriteReply(Initiation, [1, 2, 3, 4], Cookie);
        return new("wireguard-message", [[.. Initiation], [.. Response], [.. Transport], [.. Cookie]], Run);
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        byte type = WireGuardMessage.TypeOf(input.Span);
        using (ReceivedInitiation? received = ReceivedInitiation.TryRead(Bob, input.Span))
        {
            // Everything up to mac1 is authenticated but the sender's index and the unused top bit of the ephemeral key.
            Check.That(received is null || input.Span[40..116].SequenceEqual(Initiation.AsSpan(40, 76)), "a forged initiation was accepted");
        }
        if (type is WireGuardMessage.Initiation or WireGuardMessage.Response)
        {
            bool genuine = input.Span[..^32].SequenceEqual(Initiation.AsSpan(0, 116));
            Check.That(!BobCookies.IsMac1Valid(input.Span) || genuine, "a forged mac1 was accepted");
            _ = BobCookies.IsMac2Valid(input.Span, [1, 2, 3, 4]);
        }
        using InitiatorHandshake handshake = Begin();
        if (handshake.TryConsume(input.Span, 0, TimeProvider.System, out TransportKeypair? session))
        {
            using (session)
            {
                Check.That(input.Span[44..60].SequenceEqual(Response.AsSpan(44, 16)), "a forged response was accepted");
            }
        }
        CookieJar jar = new(Bob.PublicKey.Span);
        jar.NoteSent(handshake.Mac1);
        Check.That(!jar.TryTake(input.Span, 0, TimeProvider.System) || input.Span[8..].SequenceEqual(Cookie.AsSpan(8)), "a forged cookie was accepted");
        using TransportKeypair alice = Genuine(handshake);
        byte[] copy = input.ToArray();
        bool opened = type == WireGuardMessage.Transport && alice.Open(copy, 0, out _) == OpenResult.Opened;
        Check.That(!opened || input.Span[8..].SequenceEqual(Transport.AsSpan(8)), "a forged packet was accepted");
    }

    private static TransportKeypair Genuine(InitiatorHandshake handshake)
    {
        Check.That(handshake.TryConsume(Response, 0, TimeProvider.System, out TransportKeypair? session), "the genuine response is refused");
        return session!;
    }

    // The same keys every time, so that the recorded answers fit.
    private static InitiatorHandshake Begin() =>
        InitiatorHandshake.Create(Alice, Bob.PublicKey.Span, [], 1, new Tai64n(5, 0), [], span => span.Fill(3), Initiation)!;

    private static byte[] Bytes(byte value) => [.. Enumerable.Repeat(value, 32)];
}
