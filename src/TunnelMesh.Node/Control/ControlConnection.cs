using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>The control protocol's messages on a <see cref="CoordinatorSocket"/>. One reader; any number of writers.</summary>
internal sealed class ControlConnection : IAsyncDisposable
{
    private static readonly (TimeSpan, TimeSpan) KeepAlive = (TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(12));

    // The framework looks whether it has to ask every quarter of the interval.
    private static readonly TimeSpan SilentAfter = (KeepAlive.Item1 * 1.25) + TimeSpan.FromSeconds(1.5);
    private readonly CoordinatorSocket _connection;
    private readonly WebSocket _socket;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly string _server;
    private readonly int _maxMessageBytes;
    private readonly CancellationTokenSource _over = new();
    private int _asked, _answered;
    private byte[] _buffer = new byte[16 * 1024];

    private ControlConnection(CoordinatorSocket connection, string server, int maxMessageBytes)
    {
        _connection = connection;
        _socket = connection.Socket;
        _server = server;
        _maxMessageBytes = maxMessageBytes;
    }

    /// <inheritdoc cref="CoordinatorSocket.ServerSpki"/>
    public byte[] ServerSpki => _connection.ServerSpki;

    /// <inheritdoc cref="CoordinatorSocket.ServerCertificates"/>
    public IReadOnlyList<byte[]> ServerCertificates => _connection.ServerCertificates;

    /// <summary>How long ago something came, when that is longer than the heartbeat lets a living stream be silent; null else. It is given up only later. Any thread.</summary>
    public TimeSpan? Silence => _connection.Silence is var silence && silence >= SilentAfter ? silence : null;

    /// <summary>Dials.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="path">Path of the WebSocket.</param>
    /// <param name="dialling">How.</param>
    /// <param name="check">Gives null to accept the server's certificate, or why not.</param>
    /// <param name="client">The certificate shown, or null.</param>
    /// <param name="maxMessageBytes">Largest message taken, in bytes after decompression: little, as long as the server has not proved itself.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ControlException">There is no connection; the message says why.</exception>
    public static async Task<ControlConnection> ConnectAsync(CoordinatorAddress server, string path, Dialling dialling,
        Func<X509Certificate2, IEnumerable<X509Certificate2>, string?> check, PeerCertificate? client, int maxMessageBytes, CancellationToken cancel)
    {
        CoordinatorSocket socket = await CoordinatorSocket.ConnectAsync(server, path, dialling, KeepAlive, check, client, cancel).ConfigureAwait(false);
        return new ControlConnection(socket, server.ToString(), maxMessageBytes);
    }

    /// <inheritdoc cref="CoordinatorSocket.AbortUnless"/>
    public void AbortUnless(Func<IPAddress, bool> isOwn) => _connection.AbortUnless(isOwn);

    /// <summary>Asks for a sign of life, and does not wait for it: something else may come first, and tell as much. Any thread.</summary>
    /// <param name="cancel">Gives up.</param>
    public Task AskAsync(CancellationToken cancel)
    {
        Interlocked.Increment(ref _asked);
        return SendAsync(new SignOfLife(), cancel);
    }

    /// <summary>Asks for a sign of life, and ends the conversation when none has come in time: on a way that is gone a loss shows only much later. Any thread.</summary>
    /// <param name="patience">How long an answer may take.</param>
    /// <param name="clock">Times it.</param>
    public async Task DoubtAsync(TimeSpan patience, TimeProvider clock)
    {
        int mine = Interlocked.Increment(ref _asked);
        try
        {
            // What waits in front of it may be stuck, too.
            Task sending = SendAsync(new SignOfLife(), _over.Token);
            await Task.Delay(patience, clock, _over.Token).ConfigureAwait(false);
            if (Volatile.Read(ref _answered) < mine)
            {
                _connection.Abort();
            }
            await sending.ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or ControlException)
        {
            // It is over anyway.
        }
    }

    /// <summary>Sends one message as JSON text.</summary>
    public Task SendAsync(object message, CancellationToken cancel) => SendAsync(() => message, cancel);

    /// <summary>Sends one message as JSON text; it is made when its turn has come, so that of two the newer leaves last.</summary>
    public async Task SendAsync(Func<object> make, CancellationToken cancel)
    {
        await _sending.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            byte[] bytes = ControlCodec.Encode(make());
            await _socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (CoordinatorSocket.IsLoss(e, cancel))
        {
            throw _connection.Lost(e);
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
            catch (Exception e) when (CoordinatorSocket.IsLoss(e, cancel))
            {
                throw _connection.Lost(e);
            }
            if (result.MessageType == WebSocketMessageType.Close)
            {
                throw _connection.Closed();
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
        if (message is SignOfLife or ErrorMessage)
        {
            // An older coordinator answers that it does not know the question.
            Interlocked.Increment(ref _answered);
        }
        return message;
    }

    /// <inheritdoc cref="CoordinatorSocket.CloseAsync"/>
    public Task CloseAsync() => _connection.CloseAsync();

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        _connection.Dispose();
    }
}
