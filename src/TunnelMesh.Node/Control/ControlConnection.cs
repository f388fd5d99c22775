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
/// One WebSocket over one TLS 1.3 connection of its own, never resumed, so that the certificate seen is the certificate of
/// this conversation. One reader; any number of writers.
/// </summary>
internal sealed class ControlConnection : IAsyncDisposable
{
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;
    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly string _server;
    private readonly int _maxMessageBytes;
    private readonly List<byte[]> _seen = [];
    private string? _refusal;
    private byte[] _buffer = new byte[16 * 1024];

    private ControlConnection(CoordinatorAddress server, Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check, PeerCertificate? client, int maxMessageBytes)
    {
        _maxMessageBytes = maxMessageBytes;
        _server = server.ToString();
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
            X509Certificate2Collection issuers = [.. client.Chain.Skip(1).Select(X509CertificateLoader.LoadCertificate)];
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(client.Leaf, issuers, offline: true);
        }
        _handler = new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(4),
        };
        _invoker = new HttpMessageInvoker(_handler);
        _socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(5);
        _socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(12);
        _socket.Options.CollectHttpResponseDetails = true;
    }

    /// <summary>SHA-256 of the public key the server showed on this connection.</summary>
    public byte[] ServerSpki { get; private set; } = [];

    /// <summary>The server's certificate, DER, and those that came with it.</summary>
    public IReadOnlyList<byte[]> ServerCertificates => _seen;

    /// <summary>Dials.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="path">Path of the WebSocket.</param>
    /// <param name="check">Gives null to accept the server's certificate, or why not.</param>
    /// <param name="client">The certificate shown, or null.</param>
    /// <param name="maxMessageBytes">Largest message taken, in bytes after decompression: little, as long as the server has not proved itself.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task<ControlConnection> ConnectAsync(CoordinatorAddress server, string path,
        Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check, PeerCertificate? client, int maxMessageBytes, CancellationToken cancel)
    {
        ControlConnection connection = new(server, check, client, maxMessageBytes);
        try
        {
            await connection._socket.ConnectAsync(server.WebSocket(path), connection._invoker, cancel).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            ControlException translated = connection.Translate(e);
            await connection.DisposeAsync().ConfigureAwait(false);
            throw translated;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends one message as JSON text.</summary>
    public async Task SendAsync(object message, CancellationToken cancel)
    {
        byte[] bytes = ControlCodec.Encode(message);
        await _sending.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException ||
            (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw Lost(e);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next message; an <see cref="ErrorMessage"/> other than unknown-type becomes an exception. Unknown types and damage give null.</summary>
    /// <exception cref="ControlException">The connection is gone, or the coordinator refused.</exception>
    public async Task<object?> ReceiveAsync(CancellationToken cancel)
    {
        int length = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            if (length == _buffer.Length)
            {
                if (length >= _maxMessageBytes)
                {
                    throw new ControlException(ControlErrorCodes.BadMessage, $"The coordinator {_server} sent a message larger than the protocol allows.");
                }
                Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, _maxMessageBytes));
            }
            try
            {
                result = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancel).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException or InvalidOperationException ||
                (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                throw Lost(e);
            }
            if (result.MessageType == WebSocketMessageType.Close)
            {
                throw new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} closed the connection" +
                    (string.IsNullOrEmpty(_socket.CloseStatusDescription) ? "." : $": {_socket.CloseStatusDescription}"));
            }
            length += result.Count;
        }
        while (!result.EndOfMessage);
        object? message = result.MessageType == WebSocketMessageType.Binary
            ? ControlCodec.DecodePacked(_buffer.AsMemory(0, length), _maxMessageBytes)
            : ControlCodec.Decode(_buffer.AsSpan(0, length), out _);
        if (message is ErrorMessage error && error.Code != ControlErrorCodes.UnknownType)
        {
            throw new ControlException(error.Code, error.Message, error.RetryAfterSeconds);
        }
        return message;
    }

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

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _invoker.Dispose();
        _handler.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool Accept(X509Certificate? certificate, X509Chain? chain, Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check)
    {
        if (certificate is null)
        {
            _refusal = "it showed no certificate";
            return false;
        }
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

    private ControlException Lost(Exception e) =>
        new(ControlFailure.Unreachable, $"The connection to the coordinator {_server} was lost.", 0, e);

    private ControlException Translate(Exception e)
    {
        if (_refusal is not null)
        {
            return new ControlException(ControlFailure.Tls, $"The server at {_server} is refused: {_refusal}. " +
                "Either the address is wrong, a proxy ends TLS in front of the coordinator (pass TCP through instead), or someone stands in between.", 0, e);
        }
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                string why = socket.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => "nothing listens there. Is the coordinator running, and is the port right?",
                    SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "the name cannot be resolved. Check the spelling and this machine's DNS.",
                    SocketError.TimedOut => "it does not answer. Check the address and the firewalls in between.",
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
            _ when e is OperationCanceledException || e.InnerException is OperationCanceledException =>
                new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} does not answer. Check the address and the firewalls in between.", 0, e),
            _ => new ControlException(ControlFailure.Unreachable, $"The coordinator {_server} cannot be reached: {e.Message}", 0, e),
        };
    }
}
