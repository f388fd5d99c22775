using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>
/// The coordinator's side of a relay stream, after its certificate has been accepted: reads messages and passes them on. Waiting costs no buffer. Thread-safe.
/// </summary>
internal sealed class RelayHandler(RelayStreams streams, RelayOptions options, RelayTally tally, RefusalLog refusals, TimeProvider time, ILogger log)
{
    // Holds all but the very largest messages; a power of two, as the pool has them.
    private const int FirstArray = 64 * 1024;
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);

    /// <summary>Reads a device ID as a big-endian number.</summary>
    internal static bool TryParse(string deviceId, out UInt128 device) =>
        UInt128.TryParse(deviceId, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out device) && deviceId.Length == DeviceId.TextLength;

    /// <summary>Serves one stream until it ends. The socket stays the caller's.</summary>
    /// <param name="socket">Accepted, with no keep-alive of its own.</param>
    /// <param name="deviceId">From the client certificate.</param>
    /// <param name="address">Where the stream comes from.</param>
    /// <param name="accepted">Called once it is the device's stream.</param>
    /// <param name="cancel">Cuts the stream.</param>
    internal async Task HandleAsync(WebSocket socket, string deviceId, IPAddress address, Action accepted, CancellationToken cancel)
    {
        using CancellationTokenRegistration cut = cancel.UnsafeRegister(static s => ((WebSocket)s!).Abort(), socket);
        if (!TryParse(deviceId, out UInt128 device))
        {
            throw new InvalidOperationException("a certificate was accepted whose subject is no device ID");
        }
        RelayStream stream = new(socket, device, deviceId, address, options, tally, time, log);
        if (!streams.Enter(stream))
        {
            refusals.Stream(address, "its device is no member");
            using CancellationTokenSource soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            soon.CancelAfter(GoodbyeTime);
            await socket.CloseAsync(WebSocketCloseStatus.PolicyViolation, ControlErrorCodes.UnknownDevice, soon.Token).ConfigureAwait(false);
            return;
        }
        try
        {
            accepted();
            await ReadAsync(socket, stream).ConfigureAwait(false);
        }
        finally
        {
            streams.Leave(stream);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(WebSocket socket, RelayStream stream)
    {
        byte[]? buffer = null;
        bool ending = false;
        try
        {
            while (true)
            {
                // Reads the head of a message only: the buffer is borrowed when there is something for it.
                ValueTask<ValueWebSocketReceiveResult> waiting = socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
                if (!waiting.IsCompleted && buffer is not null)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = null;
                }
                ValueWebSocketReceiveResult part = await waiting.ConfigureAwait(false);
                int length = 0;
                while (part.MessageType != WebSocketMessageType.Close && !part.EndOfMessage && length <= RelayFrame.MaxBytes)
                {
                    buffer ??= ArrayPool<byte>.Shared.Rent(FirstArray);
                    if (length == buffer.Length)
                    {
                        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                        buffer.AsSpan(0, length).CopyTo(larger);
                        ArrayPool<byte>.Shared.Return(buffer);
                        buffer = larger;
                    }
                    part = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                    length += part.Count;
                }
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }
                if (ending)
                {
                    // The farewell is on its way; what still comes in does not matter.
                    continue;
                }
                stream.Hear();
                if (part.MessageType == WebSocketMessageType.Text || length > RelayFrame.MaxBytes)
                {
                    streams.Violated(stream, ControlErrorCodes.BadMessage, length > RelayFrame.MaxBytes ? "a message is too large" : "a message is text");
                    ending = true;
                }
                else if (Take(stream, buffer, length, out ending))
                {
                    buffer = null;
                }
            }
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    // True when the buffer is somebody else's now.
    private bool Take(RelayStream stream, byte[]? buffer, int length, out bool ending)
    {
        ending = false;
        switch (RelayFrame.Read(buffer.AsSpan(0, length)))
        {
            case RelayFrameKind.Datagrams:
                return streams.Pass(stream, new RelayBuffer(buffer!, length));
            case RelayFrameKind.Ping:
                stream.Answer(RelayFrame.Number(buffer));
                break;
            case RelayFrameKind.Pong:
                break;
            case RelayFrameKind.OtherVersion:
                streams.Violated(stream, ControlErrorCodes.UnsupportedVersion, $"it speaks version {buffer![0]} of the relay's messages, this coordinator {RelayFrame.Version}");
                ending = true;
                break;
            case RelayFrameKind.Damaged:
                Interlocked.Increment(ref tally.FramesDamaged);
                break;
            default:
                // Also the notices, which only a coordinator has to give.
                Interlocked.Increment(ref tally.FramesUnknown);
                break;
        }
        return false;
    }
}
