using System.Buffers;
using System.Net.WebSockets;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Api;

/// <summary>
/// Reads a peer's messages. Waiting costs a small buffer only; a larger message borrows one. One reader at a time.
/// </summary>
/// <param name="socket">Stays the caller's.</param>
/// <param name="maxBytes">Largest message; a power of two, of 256 at least.</param>
internal sealed class PeerMessageReader(WebSocket socket, int maxBytes = ControlProtocol.MaxPeerMessageBytes)
{
    private readonly byte[] _small = new byte[256];

    /// <summary>The next message.</summary>
    /// <exception cref="WebSocketException">The connection is gone.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the socket is aborted.</exception>
    internal async ValueTask<PeerMessage> ReadAsync(CancellationToken cancel)
    {
        byte[] buffer = _small;
        int length = 0;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
                length += part.Count;
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return new PeerMessage(PeerMessageKind.Closed, null);
                }
                if (part.MessageType != WebSocketMessageType.Text)
                {
                    return new PeerMessage(PeerMessageKind.Damaged, null);
                }
                if (part.EndOfMessage)
                {
                    return Decode(buffer.AsSpan(0, length));
                }
                if (length >= maxBytes)
                {
                    return new PeerMessage(PeerMessageKind.TooLarge, null);
                }
                if (length == buffer.Length)
                {
                    // Rented arrays are powers of two and the limit is one: it is never passed.
                    byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 4, maxBytes));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    Return(buffer);
                    buffer = larger;
                }
            }
        }
        finally
        {
            Return(buffer);
        }
    }

    private static PeerMessage Decode(ReadOnlySpan<byte> json)
    {
        object? message = ControlCodec.Decode(json, out string? type);
        return message is not null ? new PeerMessage(PeerMessageKind.Message, message)
            : new PeerMessage(type is not null && !ControlCodec.IsKnownType(type) ? PeerMessageKind.UnknownType : PeerMessageKind.Damaged, null);
    }

    private void Return(byte[] buffer)
    {
        if (buffer != _small)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
