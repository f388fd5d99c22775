using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A WebSocket to the coordinator that says whatever a test wants to say.</summary>
internal sealed class RawStream : IDisposable
{
    private readonly ClientWebSocket _socket = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>HTTP status of a refused upgrade, else 101.</summary>
    internal int Status => (int)_socket.HttpStatusCode;

    /// <summary>Why the other side has closed, once it has.</summary>
    internal string CloseReason => _socket.CloseStatusDescription ?? "";

    internal static async Task<RawStream> ConnectAsync(int port, X509Certificate2? certificate, string path = ControlProtocol.ControlPath)
    {
        RawStream stream = new();
        stream._socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        stream._socket.Options.CollectHttpResponseDetails = true;
        if (certificate is not null)
        {
            stream._socket.Options.ClientCertificates.Add(certificate);
        }
        try
        {
            await stream._socket.ConnectAsync(new Uri($"wss://127.0.0.1:{port}{path}"), Cancel);
        }
        catch (WebSocketException) when (stream.Status is >= 400 and < 500)
        {
            // The test looks at the status.
        }
        return stream;
    }

    internal static ControlHello Hello(string epoch = "", long number = 0, string instance = "raw") => new()
    {
        Version = ControlProtocol.Version,
        OldestVersion = ControlProtocol.OldestVersion,
        MapEpoch = epoch,
        MapNumber = number,
        Instance = instance,
    };

    internal Task SendAsync(object message) => SendAsync(ControlCodec.Encode(message));

    internal Task SendAsync(string json) => SendAsync(Encoding.UTF8.GetBytes(json));

    internal Task SendAsync(byte[] bytes, WebSocketMessageType type = WebSocketMessageType.Text) => _socket.SendAsync(bytes, type, true, Cancel);

    /// <summary>The beginning of a message whose end never comes.</summary>
    internal Task SendPartAsync(byte[] bytes) => _socket.SendAsync(bytes, WebSocketMessageType.Text, false, Cancel);

    /// <summary>The next message; null when the other side has closed.</summary>
    internal async Task<object?> ReceiveAsync()
    {
        byte[] buffer = new byte[1024 * 1024];
        int length = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(length), Cancel);
            length += part.Count;
        }
        while (!part.EndOfMessage);
        return part.MessageType switch
        {
            WebSocketMessageType.Close => null,
            WebSocketMessageType.Binary => ControlCodec.DecodePacked(buffer.AsMemory(0, length), ControlProtocol.MaxCoordinatorMessageBytes),
            _ => ControlCodec.Decode(buffer.AsSpan(0, length), out _),
        };
    }

    /// <summary>The next message as it is; null when the other side has closed.</summary>
    internal async Task<byte[]?> ReceiveBytesAsync()
    {
        byte[] buffer = new byte[128 * 1024];
        int length = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(length), Cancel);
            length += part.Count;
        }
        while (!part.EndOfMessage);
        return part.MessageType == WebSocketMessageType.Close ? null : buffer[..length];
    }

    /// <summary>The next message of a type; others are passed over.</summary>
    internal async Task<T> ReceiveAsync<T>() where T : class
    {
        while (true)
        {
            object? message = await ReceiveAsync();
            Assert.NotNull(message);
            if (message is T wanted)
            {
                return wanted;
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
