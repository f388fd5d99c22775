using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Metrics;

namespace TunnelMesh.Tests.Metrics;

public sealed class MetricsServerTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private MeshAuthority _authority = null!;
    private PeerCertificate? _certificate;
    private MetricsServer _server = null!;
    private string? _problem;
    private int _made;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _authority = MeshAuthority.Open(_directory, [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("fd00::/48")], TimeProvider.System);
        _certificate = Issue("nas");
        _server = Serve("127.0.0.0/8");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate?.Dispose();
        _authority.Dispose();
        Directory.Delete(_directory, true);
    }

    private PeerCertificate Issue(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 leaf = _authority.IssueDevice(new string('a', 32), key.ExportSubjectPublicKeyInfo(), name, [IPAddress.Loopback]);
        return PeerCertificate.Create([leaf.RawData, _authority.Issuer.RawData], key.ExportPkcs8PrivateKey());
    }

    private MetricsServer Serve(string range) => new(new MetricsServerOptions
    {
        Ranges = [IPNetwork.Parse(range)],
        Certificate = () => _certificate,
        Metrics = () => $"made {++_made}\n",
        Problem = () => _problem,
        Time = _time,
    });

    private int Listen() => _server.Listen(new IPEndPoint(IPAddress.Loopback, 0)).Port;

    // Checks name and chain as any program does that was given the mesh root, and nothing more leniently.
    private HttpClient Client() => new(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust() } });

    private X509ChainPolicy Trust() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { _authority.Root },
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };

    // A whole conversation on one connection: what is sent, and all that comes back.
    private async Task<string> TalkAsync(int port, string request)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using SslStream tls = new(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "nas.tunnelmesh", CertificateChainPolicy = Trust() }, Cancel);
        await tls.WriteAsync(Encoding.ASCII.GetBytes(request), Cancel);
        using StreamReader reader = new(tls);
        return await reader.ReadToEndAsync(Cancel);
    }

    [Fact]
    public async Task Metrics_and_health_are_served_under_the_certificate_of_the_mesh()
    {
        int port = Listen();
        using HttpClient client = Client();
        using HttpResponseMessage answer = await client.GetAsync(new Uri($"https://127.0.0.1:{port}/metrics"), Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("made 1\n", await answer.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri($"https://127.0.0.1:{port}/health"), Cancel));
        _problem = "It starts.";
        using HttpResponseMessage ill = await client.GetAsync(new Uri($"https://127.0.0.1:{port}/health"), Cancel);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "It starts.\n"), (ill.StatusCode, await ill.Content.ReadAsStringAsync(Cancel)));
        // The name is checked by whoever asks, and this is not the device's.
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"https://localhost:{port}/metrics"), Cancel));
    }

    [Fact]
    public async Task The_text_is_made_once_a_second_however_many_ask()
    {
        int port = Listen();
        using HttpClient client = Client();
        Uri metrics = new($"https://127.0.0.1:{port}/metrics");
        Assert.Equal(["made 1\n", "made 1\n"], await Task.WhenAll(client.GetStringAsync(metrics, Cancel), client.GetStringAsync(metrics, Cancel)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("made 2\n", await client.GetStringAsync(metrics, Cancel));
    }

    [Theory]
    [InlineData("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 7\r\n")]
    [InlineData("GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "made 1\n")]
    [InlineData("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "/metrics")]
    [InlineData("POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET, HEAD\r\n")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Content-Length: 0\r\n")]
    public async Task Each_request_has_its_answer_and_the_connection_ends(string request, string status, string part)
    {
        string answer = await TalkAsync(Listen(), request);
        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.Contains(part, answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(request.StartsWith("HEAD", StringComparison.Ordinal), answer.EndsWith("\r\n\r\n", StringComparison.Ordinal) && !answer.Contains("Content-Length: 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_head_without_an_end_is_too_long_at_eight_KiB() =>
        Assert.StartsWith("HTTP/1.1 431 ", await TalkAsync(Listen(), "GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + new string('x', 8192)), StringComparison.Ordinal);

    [Fact]
    public async Task Whoever_is_not_of_the_mesh_is_closed_at_once_and_counted()
    {
        await using MetricsServer other = Serve("10.42.0.0/16");
        int port = other.Listen(new IPEndPoint(IPAddress.Loopback, 0)).Port;
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Cancel));
        Assert.Equal(1, other.Strangers);
    }

    [Fact]
    public async Task Without_a_certificate_nobody_is_answered_and_a_new_one_is_shown_at_once()
    {
        int port = Listen();
        PeerCertificate first = _certificate!;
        _certificate = null;
        await Assert.ThrowsAnyAsync<Exception>(() => TalkAsync(port, "GET /health HTTP/1.0\r\n\r\n"));
        _certificate = first;
        Assert.EndsWith("ok\n", await TalkAsync(port, "GET /health HTTP/1.0\r\n\r\n"), StringComparison.Ordinal);
        _certificate = Issue("nas");
        first.Dispose();
        Assert.EndsWith("ok\n", await TalkAsync(port, "GET /health HTTP/1.0\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_says_nothing_is_closed_after_ten_seconds()
    {
        int port = Listen();
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using SslStream tls = new(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "nas.tunnelmesh", CertificateChainPolicy = Trust() }, Cancel);
        Task<int> reading = tls.ReadAsync(new byte[1], Cancel).AsTask();
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await Record.ExceptionAsync(async () => Assert.Equal(0, await reading)) is null or IOException or AuthenticationException);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_the_way_out()
    {
        int port = Listen();
        await using MetricsServer second = Serve("127.0.0.0/8");
        MetricsListenException taken = Assert.Throws<MetricsListenException>(() => second.Listen(new IPEndPoint(IPAddress.Loopback, port)));
        Assert.Contains("metrics_port", taken.Message, StringComparison.Ordinal);
        Assert.Empty(second.Endpoints);
    }
}
