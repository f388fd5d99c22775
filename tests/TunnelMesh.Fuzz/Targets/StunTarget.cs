using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>STUN: what parses fills its datagram, and an answer is short, sound, and of the request that was asked.</summary>
internal static class StunTarget
{
    private static readonly StunAddress Source = new(0x20010db800000000, 7, 4321);

    public static FuzzTarget Create() => new("stun", Seeds(), Run);

    private static byte[][] Seeds()
    {
        byte[] request = new byte[StunBinding.RequestSize], answer = new byte[StunBinding.MaxAnswerSize], failure = new byte[64];
        StunBinding.WriteRequest(request, new StunTransactionId(0x0102030405060708, 9));
        int length = StunBinding.Answer(request, Source, answer);
        StunWriter writer = new(failure, StunClass.Error, new StunTransactionId(1, 2));
        writer.AddErrorCode(420);
        writer.Add(StunAttribute.UnknownAttributes, [0, 3]);
        writer.Add(StunAttribute.Software, "seed"u8);
        return
        [
            request, answer[..length], failure[..writer.Length],
            Convert.FromHexString("000100082112a442000102030405060708090a0b" + "0003000400000006"),
            Convert.FromHexString("0101000c2112a442000102030405060708090a0b" + "000100080001109ac0000201"),
        ];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> datagram = input.Span;
        Span<byte> answer = stackalloc byte[StunBinding.MaxAnswerSize];
        int length = StunBinding.Answer(datagram, Source, answer);
        if (!StunMessage.TryParse(datagram, out StunMessage message))
        {
            Check.That(length == 0, "an answer to what does not parse");
            return;
        }

        Check.That(StunMessage.IsStun(datagram) && message.Attributes.Length == datagram.Length - StunMessage.HeaderSize, "the attributes do not fill the datagram");
        message.TryReadErrorCode(out int code);
        Check.That(code is 0 or (>= 300 and < 700), "an error code out of range");
        if (message.TryReadMapped(out StunAddress mapped))
        {
            Check.That(StunAddress.From(mapped.ToIPEndPoint()) == mapped, "an address does not survive");
        }

        message.TryReadOther(out _);
        if (length == 0)
        {
            return;
        }

        Check.That(message.Class == StunClass.Request && length <= datagram.Length + 24, "an answer to no request, or a long one");
        Check.That(StunMessage.TryParse(answer[..length], out StunMessage back) && back.TransactionId == message.TransactionId
            && back.HasFingerprint == message.HasFingerprint, "the answer is not sound");
        Check.That(back.Class == StunClass.Success ? back.TryReadMapped(out mapped) && mapped == Source : back.TryReadErrorCode(out code) && code == 420, "the answer says nothing");
    }
}
