using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Stun;

/// <summary>The binding transaction of RFC 8489: what a client asks, and what a server answers. No state.</summary>
public static class StunBinding
{
    /// <summary>Bytes of <see cref="WriteRequest"/>.</summary>
    public const int RequestSize = StunMessage.HeaderSize + 8;
    /// <summary>Bytes of the longest answer of <see cref="Answer"/>.</summary>
    public const int MaxAnswerSize = StunMessage.HeaderSize + 24 + 8;

    private const int UnknownAttribute = 420;

    // The error answer names no more than fit into the longest answer.
    private const int MaxUnknown = 4;

    /// <summary>Writes a binding request with a FINGERPRINT.</summary>
    /// <param name="destination">At least <see cref="RequestSize"/> bytes.</param>
    /// <param name="transaction">Random.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteRequest(Span<byte> destination, StunTransactionId transaction)
    {
        StunWriter writer = new(destination, StunClass.Request, transaction);
        writer.AddFingerprint();
        return writer.Length;
    }

    /// <summary>
    /// Answers a binding request: the address it came from, or error 420 when it holds an attribute that has to be understood and is not (RFC 8489
    /// section 6.3.1). An answer is at most 24 bytes longer than its request, and has a fingerprint when that has one.
    /// </summary>
    /// <param name="datagram">A whole datagram.</param>
    /// <param name="source">Where it came from.</param>
    /// <param name="answer">At least <see cref="MaxAnswerSize"/> bytes.</param>
    /// <returns>Bytes of the answer; 0 for everything that is no binding request.</returns>
    public static int Answer(ReadOnlySpan<byte> datagram, in StunAddress source, Span<byte> answer)
    {
        if (!StunMessage.TryParse(datagram, out StunMessage request) || request.Class != StunClass.Request || request.Method != StunMessage.Binding)
        {
            return 0;
        }

        Span<byte> unknown = stackalloc byte[2 * MaxUnknown];
        int unknownBytes = 0;
        StunAttributeReader reader = new(request.Attributes);
        while (reader.TryRead(out ushort type, out _))
        {
            if (StunAttribute.IsRequired(type) && unknownBytes < unknown.Length)
            {
                BinaryPrimitives.WriteUInt16BigEndian(unknown[unknownBytes..], type);
                unknownBytes += 2;
            }
        }

        StunWriter writer = new(answer, unknownBytes > 0 ? StunClass.Error : StunClass.Success, request.TransactionId);
        if (unknownBytes > 0)
        {
            writer.AddErrorCode(UnknownAttribute);
            writer.Add(StunAttribute.UnknownAttributes, unknown[..unknownBytes]);
        }
        else
        {
            writer.AddXorMapped(source);
        }

        if (request.HasFingerprint)
        {
            writer.AddFingerprint();
        }

        return writer.Length;
    }
}
