using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Control;

/// <summary>
/// A WebSocket to a coordinator over one TLS 1.3 connection of its own, never resumed, so that the certificate seen is the certificate of this
/// conversation; through a proxy where one is set. What is said on it is the holder's business.
/// </summary>
internal sealed class CoordinatorSocket : IDisposable
{
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;
    private readonly ClientWebSocket _socket = new();
    private const string WayThere = "Check the address, the port and the firewalls in between; where they let only port 443 out, the coordinator can listen there too (`coordinator.listen`), and is joined as HOST:443.";

    private readonly string _server;
    private readonly string? _proxy;
    private readonly List<byte[]> _seen = [];
    private X509Certificate? _shown;
    private string? _refusal;
    private volatile HeardStream? _stream;

    private CoordinatorSocket(CoordinatorAddress server, Dialling dialling, Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check, PeerCertificate? client)
    {
        _server = server.ToString();
        bool proxied = dialling.Proxy.Applies(server.Host, server.Port);
        _proxy = proxied ? dialling.Proxy.ToString() : null;
        SslClientAuthenticationOptions tls = new()
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            // Trust comes from the mutual proof or the pinned root, so the system's opinion of the chain is not asked. The framework
            // builds a chain in any case; without a trust store of its own it would go through every root of the system.
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            },
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Accept(certificate, chain, check),
        };
        if (client is not null)
        {
            tls.ClientCertificateContext = client.Context;
        }
        _handler = new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = proxied,
            Proxy = proxied ? new ChosenProxy(dialling.Proxy) : null,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(4),
            ConnectCallback = async (context, cancel) =>
            {
                // Of the proxy, when there is one.
                DnsEndPoint where = context.DnsEndPoint;
                Socket tcp = await TcpDialler.ConnectAsync(where.Host, where.Port, dialling, cancel).ConfigureAwait(false);
                Tcp = tcp;
                LocalAddress = (tcp.LocalEndPoint as IPEndPoint)?.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : (tcp.LocalEndPoint as IPEndPoint)?.Address;
                return _stream = new HeardStream(tcp);
            },
        };
        _invoker = new HttpMessageInvoker(_handler);
        _socket.Options.CollectHttpResponseDetails = true;
    }

    /// <summary>The conversation. Whoever uses it turns what it throws into <see cref="Lost"/>.</summary>
    public WebSocket Socket => _socket;

    /// <summary>The TCP socket below; belongs to this.</summary>
    public Socket? Tcp { get; private set; }

    /// <summary>Address of this machine that the connection leaves from; null where it is not known.</summary>
    public IPAddress? LocalAddress { get; private set; }

    /// <summary>How long ago something came; zero before there is a connection. Any thread.</summary>
    public TimeSpan Silence => _stream?.Silence ?? TimeSpan.Zero;

    /// <summary>Ends the conversation at once when the address it leaves from is not this machine's any more: nothing would say so for long. Any thread.</summary>
    /// <param name="isOwn">Whether an address is this machine's.</param>
    public void AbortUnless(Func<IPAddress, bool> isOwn)
    {
        if (LocalAddress is { } local && !IPAddress.IsLoopback(local) && !isOwn(local))
        {
            _socket.Abort();
        }
    }

    /// <summary>Ends the conversation at once. Any thread.</summary>
    public void Abort() => _socket.Abort();

    /// <summary>SHA-256 of the public key the server showed on this connection.</summary>
    public byte[] ServerSpki { get; private set; } = [];

    /// <summary>The server's certificate, DER, and those that came with it.</summary>
    public IReadOnlyList<byte[]> ServerCertificates => _seen;

    /// <summary>Dials.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="path">Path of the WebSocket.</param>
    /// <param name="dialling">How.</param>
    /// <param name="keepAlive">How often the WebSocket asks for a sign of life and how long it waits for it, or null for never.</param>
    /// <param name="check">Gives null to accept the server's certificate, or why not.</param>
    /// <param name="client">The certificate shown, or null.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ControlException">There is no connection; the message says why.</exception>
    public static async Task<CoordinatorSocket> ConnectAsync(CoordinatorAddress server, string path, Dialling dialling, (TimeSpan Interval, TimeSpan Timeout)? keepAlive,
        Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check, PeerCertificate? client, CancellationToken cancel)
    {
        CoordinatorSocket socket = new(server, dialling, check, client);
        (socket._socket.Options.KeepAliveInterval, socket._socket.Options.KeepAliveTimeout) = keepAlive ?? (TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        time.CancelAfter(dialling.Patience);
        try
        {
            await socket._socket.ConnectAsync(server.WebSocket(path), socket._invoker, time.Token).ConfigureAwait(false);
            return socket;
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // Whatever the framework makes of a wait that was ended: the reason is ours.
            ControlException translated = time.IsCancellationRequested && !cancel.IsCancellationRequested && socket._refusal is null ? socket.Unanswered(e) : socket.Translate(e);
            socket.Dispose();
            throw translated;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>True for what a WebSocket throws when its connection is gone, as long as the caller has not cancelled.</summary>
    public static bool IsLoss(Exception e, CancellationToken cancel) => e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException ||
        (e is OperationCanceledException && !cancel.IsCancellationRequested);

    /// <summary>The connection is gone.</summary>
    public ControlException Lost(Exception? e) => new(ControlFailure.Unreachable, $"The connection to the coordinator {_server} was lost.", 0, e);

    /// <summary>The other side has closed the connection.</summary>
    public ControlException Closed() => new(ControlFailure.Unreachable, $"The coordinator {_server} closed the connection" +
        (string.IsNullOrEmpty(_socket.CloseStatusDescription) ? "." : $": {_socket.CloseStatusDescription}"));

    /// <summary>Says goodbye when the other side listens; never throws.</summary>
    public async Task CloseAsync()
    {
        using CancellationTokenSource soon = new(TimeSpan.FromSeconds(1));
        try
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, soon.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            // The connection was gone already; there is nobody to say goodbye to.
        }
    }

    /// <summary>Cuts the connection.</summary>
    public void Dispose()
    {
        _socket.Abort();
        _socket.Dispose();
        _invoker.Dispose();
        _handler.Dispose();
        // The framework leaves it to the collector, which sees none of the memory behind it.
        _shown?.Dispose();
    }

    private bool Accept(X509Certificate? certificate, X509Chain? chain, Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check)
    {
        if (certificate is null)
        {
            _refusal = "it showed no certificate";
            return false;
        }
        _shown = certificate;
        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        IReadOnlyList<X509Certificate2> others = chain?.ChainPolicy.ExtraStore is { } extra ? [.. extra] : [];
        byte[] spki = MeshCertificateValidator.SpkiSha256(leaf);
        if (ServerSpki.Length != 0 && !ServerSpki.AsSpan().SequenceEqual(spki))
        {
            _refusal = "its certificate changed in the middle of the conversation";
            return false;
        }
        _refusal = check(leaf, others);
        if (_refusal is not null)
        {
            return false;
        }
        ServerSpki = spki;
        _seen.Clear();
        _seen.Add(leaf.RawData);
        _seen.AddRange(others.Select(c => c.RawData));
        return true;
    }

    private ControlException Translate(Exception e)
    {
        if (_refusal is not null)
        {
            return new ControlException(ControlFailure.Tls, $"The server at {_server} is refused: {_refusal}. " +
                "Either the address is wrong, a proxy ends TLS in front of the coordinator (pass TCP through instead), or someone stands in between.", 0, e);
        }
        if (_proxy is not null && ThroughProxy(e) is { } failed)
        {
            return failed;
        }
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                string why = socket.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => "nothing listens there. Is the coordinator running, and is the port right?",
                    SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "the name cannot be resolved. Check the spelling and this machine's DNS.",
                    SocketError.TimedOut => "it does not answer. " + WayThere,
                    _ => $"{socket.Message}. Check the network of this machine.",
                };
                return new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} cannot be reached: {why}", 0, e);
            }
            if (cause is AuthenticationException)
            {
                return new ControlException(ControlFailure.Tls, $"No TLS 1.3 connection to {_server}: {cause.Message} Is this a TunnelMesh coordinator?", 0, e);
            }
        }
        int status = (int)_socket.HttpStatusCode;
        return status switch
        {
            401 or 403 => new ControlException(ControlErrorCodes.ProofRefused, $"The coordinator {_server} refuses this device's certificate.", 0, e),
            429 => new ControlException(ControlErrorCodes.RateLimited, $"The coordinator {_server} has had too many attempts from this address. Wait a minute.", 60, e),
            >= 500 => new ControlException(ControlErrorCodes.Internal, $"The coordinator {_server} reports an internal failure (HTTP {status}). See its log.", 0, e),
            > 0 => new ControlException(ControlFailure.NotACoordinator, $"The server at {_server} answers, but it is not a TunnelMesh coordinator (HTTP {status}). Check host and port.", 0, e),
            _ when e is OperationCanceledException || e.InnerException is OperationCanceledException => Unanswered(e),
            _ => new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} cannot be reached: {e.Message.TrimEnd('.')}. {WayThere}", 0, e),
        };
    }

    private ControlException Unanswered(Exception e) => ServerSpki.Length != 0
        ? new ControlException(ControlFailure.Timeout, $"The server at {_server} took the connection but does not answer on it. Is the coordinator overloaded, or has its machine just gone?", 0, e)
        : new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} does not answer. {WayThere}", 0, e);

    private ControlException? ThroughProxy(Exception e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return new ControlException(ControlFailure.Unreachable,
                    $"The coordinator {_server} cannot be reached: the proxy {_proxy}, which HTTPS_PROXY names, cannot be reached ({socket.SocketErrorCode}). Correct HTTPS_PROXY, or name the coordinator in NO_PROXY.", 0, e);
            }
            if (cause is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } refused)
            {
                string why = refused.StatusCode switch
                {
                    HttpStatusCode.ProxyAuthenticationRequired => "it wants a name and a password, or other ones than HTTPS_PROXY has",
                    { } status and (HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed) => $"it refuses with HTTP {(int)status}. Many proxies allow port 443 only: let the coordinator listen there too, and join HOST:443",
                    { } status => $"it answers with HTTP {(int)status}",
                    null => "it opens no tunnel",
                };
                return new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} cannot be reached through the proxy {_proxy}: {why}. Correct HTTPS_PROXY, or name the coordinator in NO_PROXY.", 0, e);
            }
        }
        return null;
    }
}
