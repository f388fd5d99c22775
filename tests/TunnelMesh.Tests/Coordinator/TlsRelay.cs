using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>An active man in the middle: ends TLS with a certificate of its own and passes WebSocket messages on, as it likes.</summary>
internal sealed class TlsRelay : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2? _client;

    private TlsRelay(X509Certificate2 server, X509Certificate2[] issuers, X509Certificate2? client, Func<HttpContext, Task>? serve)
    {
        _client = client;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        SslServerAuthenticationOptions tls = new()
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ServerCertificateContext = SslStreamCertificateContext.Create(server, [.. issuers], offline: true),
        };
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps((_, _, _, _) => ValueTask.FromResult(tls), null!)));
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(async context => await (serve ?? RelayAsync)(context));
    }

    internal int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Port of the real coordinator.</summary>
    internal int Target { get; set; }

    /// <summary>Every message it has seen, either way.</summary>
    internal ConcurrentQueue<byte[]> Seen { get; } = [];

    /// <summary>True for messages from the coordinator that are passed on.</summary>
    internal Func<byte[], WebSocketMessageType, bool> Passes { get; set; } = (_, _) => true;

    /// <summary>Starts to listen.</summary>
    /// <param name="server">Its certificate with key.</param>
    /// <param name="issuers">Sent along.</param>
    /// <param name="client">The certificate it shows to the coordinator, or null.</param>
    /// <param name="serve">What it does instead of relaying, or null.</param>
    internal static async Task<TlsRelay> StartAsync(X509Certificate2 server, X509Certificate2[]? issuers = null, X509Certificate2? client = null, Func<HttpContext, Task>? serve = null)
    {
        TlsRelay relay = new(server, issuers ?? [], client, serve);
        await relay._app.StartAsync(TestContext.Current.CancellationToken);
        return relay;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task RelayAsync(HttpContext context)
    {
        using ClientWebSocket far = new();
        far.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        if (_client is not null)
        {
            far.Options.ClientCertificates.Add(_client);
        }
        await far.ConnectAsync(new Uri($"wss://127.0.0.1:{Target}{context.Request.Path}"), CancellationToken.None);
        using WebSocket near = await context.WebSockets.AcceptWebSocketAsync();
        await Task.WhenAny(PassAsync(near, far, false), PassAsync(far, near, true));
    }

    private async Task PassAsync(WebSocket from, WebSocket to, bool fromCoordinator)
    {
        byte[] buffer = new byte[1024 * 1024];
        try
        {
            while (true)
            {
                int length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await from.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await to.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    return;
                }
                byte[] message = buffer[..length];
                Seen.Enqueue(message);
                if (!fromCoordinator || Passes(message, part.MessageType))
                {
                    await to.SendAsync(message, part.MessageType, true, CancellationToken.None);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            // One side hung up.
        }
    }
}
