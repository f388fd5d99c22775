using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TunnelMesh.Protocol.Control;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>
/// A server on a machine that speaks TLS 1.3 and our WebSocket, and answers the first message of a join with one it is given:
/// what a coordinator of another time could say.
/// </summary>
internal sealed class ForeignCoordinator : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly object _answer;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    public ForeignCoordinator(NetworkNamespace machine, object answer)
    {
        _answer = answer;
        _listener = NamespaceThread.Run(machine, () =>
        {
            TcpListener listener = new(IPAddress.Parse(machine.Address), 0);
            listener.Start();
            return listener;
        });
        Server = _listener.LocalEndpoint.ToString()!;
        _serving = ServeAsync();
    }

    /// <summary>HOST:PORT to join.</summary>
    public string Server { get; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=foreign", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        try
        {
            using TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
            await using SslStream tls = new(client.GetStream());
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = SslProtocols.Tls13 }, _end.Token);
            string key64 = await ReadKeyAsync(tls);
#pragma warning disable CA5350 // RFC 6455 asks for it; it protects nothing.
            string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key64 + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
            await tls.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), _end.Token);
            using WebSocket socket = WebSocket.CreateFromStream(tls, new WebSocketCreationOptions { IsServer = true });
            await socket.ReceiveAsync(new byte[ControlProtocol.MaxPeerMessageBytes], _end.Token);
            await socket.SendAsync(ControlCodec.Encode(_answer), WebSocketMessageType.Text, endOfMessage: true, _end.Token);
            // Until the other side has read it and goes.
            await socket.ReceiveAsync(new byte[ControlProtocol.MaxPeerMessageBytes], _end.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or WebSocketException or SocketException)
        {
            // The end of the test, or of the other side.
        }
    }

    private async Task<string> ReadKeyAsync(SslStream tls)
    {
        const string header = "Sec-WebSocket-Key: ";
        using StreamReader reader = new(tls, Encoding.ASCII, bufferSize: 1, leaveOpen: true);
        string key = "";
        while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
        {
            key = line.StartsWith(header, StringComparison.OrdinalIgnoreCase) ? line[header.Length..] : key;
        }
        return key;
    }
}
