using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Api;

/// <summary>The coordinator's HTTPS listener: TLS 1.3 only, no resumption; health, version, join and renewal. Thread-safe.</summary>
public sealed class CoordinatorServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly CoordinatorServerOptions _options;
    private readonly ProofRateLimiter _limiter;
    private readonly X509Certificate2 _certificate;
    private readonly JoinHandler _join;
    private readonly WebApplication _app;
    private volatile TokenSet _tokens = new([]);

    private CoordinatorServer(CoordinatorServerOptions options, MeshRow mesh, X509Certificate2 certificate)
    {
        _options = options;
        _certificate = certificate;
        _limiter = new ProofRateLimiter(options.Time);
        _join = new JoinHandler(options, mesh, MeshCertificateValidator.SpkiSha256(certificate), _limiter, () => _tokens);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        SslServerAuthenticationOptions tls = new()
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, [options.Authority.Issuer], offline: true),
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ControlProtocol.MaxPeerMessageBytes;
            kestrel.Listen(options.Listen, listen =>
            {
                listen.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls) });
            });
        });
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(ServeAsync);
    }

    /// <summary>The TCP port in use.</summary>
    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The endpoint is in use or not of this machine.</exception>
    /// <exception cref="StorageFailedException">The state cannot be read.</exception>
    public static async Task<CoordinatorServer> StartAsync(CoordinatorServerOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);
        MeshRow mesh = await options.State.LoadMeshAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<DeviceRow> devices = await options.State.LoadDevicesAsync(cancel).ConfigureAwait(false);
        IPAddress[] addresses = [.. devices.Where(d => d.Coordinator && d.Name == options.Name).SelectMany(d => new[] { d.Ip, d.Ip6 })];
        CoordinatorServer server = new(options, mesh, options.Authority.IssueServer(options.Name, addresses));
        try
        {
            await server.ReloadTokensAsync(cancel).ConfigureAwait(false);
            await server._app.StartAsync(cancel).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes over tokens added or withdrawn since the start.</summary>
    public async Task ReloadTokensAsync(CancellationToken cancel) =>
        _tokens = new TokenSet(await _options.State.LoadTokensAsync(cancel).ConfigureAwait(false));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _certificate.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        switch (path)
        {
            case ControlProtocol.HealthPath:
                await context.Response.WriteAsync("ok\n", context.RequestAborted).ConfigureAwait(false);
                break;
            case ControlProtocol.VersionPath:
                VersionDocument version = new() { Version = _options.ProgramVersion, Protocol = ControlProtocol.Version, OldestProtocol = ControlProtocol.OldestVersion };
                context.Response.ContentType = "application/json";
                await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(version, ControlJson.Default.VersionDocument), context.RequestAborted).ConfigureAwait(false);
                break;
            case ControlProtocol.JoinPath or ControlProtocol.RenewPath:
                await JoinAsync(context, path == ControlProtocol.RenewPath).ConfigureAwait(false);
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                break;
        }
    }

    private async Task JoinAsync(HttpContext context, bool renewal)
    {
        IPAddress address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }
        if (!_limiter.MayTry(address, out TimeSpan wait))
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return;
        }
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        time.CancelAfter(Patience);
        try
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
            await _join.HandleAsync(socket, address, renewal, time.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // The peer went away or was too slow; it will come again by itself.
            context.Abort();
        }
    }
}
