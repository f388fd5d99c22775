using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Listening;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// The resolver over TCP (RFC 7766): several queries one after the other on a connection, each behind its length. Connections that say nothing for ten seconds, say
/// nonsense or are too many are closed, the oldest first.
/// </summary>
internal sealed class DnsTcpListener : IAsyncDisposable
{
    /// <summary>Connections of one source, and in all.</summary>
    internal const int MaxPerSource = 64, MaxInAll = 256;

    /// <summary>Longest query taken.</summary>
    internal const int MaxQuery = 4096;

    /// <summary>How long a query may take to come, counted from the answer before it, and an answer to be taken.</summary>
    internal static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private const int MaxMessage = 65535;
    private readonly DnsResponder _responder;
    private readonly DnsForwarder _forwarder;
    private readonly TimeProvider _time;
    private readonly ConnectionGate _connections;
    private readonly SocketAcceptor _acceptor;

    /// <param name="socket">Listening; belongs to the listener.</param>
    /// <param name="responder">Answers.</param>
    /// <param name="forwarder">Asks others.</param>
    /// <param name="time">Clock.</param>
    internal DnsTcpListener(Socket socket, DnsResponder responder, DnsForwarder forwarder, TimeProvider time)
    {
        (_responder, _forwarder, _time) = (responder, forwarder, time);
        _connections = new ConnectionGate(MaxPerSource, MaxInAll, TimeSpan.Zero, time);
        _acceptor = new SocketAcceptor(ServeAsync, time);
        _acceptor.Add(socket);
    }

    public ValueTask DisposeAsync() => _acceptor.DisposeAsync();

    private async Task ServeAsync(Socket accepted, CancellationToken stop)
    {
        using Socket client = accepted;
        byte[] query = ArrayPool<byte>.Shared.Rent(MaxQuery), answer = ArrayPool<byte>.Shared.Rent(2 + MaxMessage);
        ConnectionGate.Slot? slot = null;
        try
        {
            IPAddress address = ((IPEndPoint)client.RemoteEndPoint!).Address;
            DnsSource source = DnsSource.Of(address);
            if (!_responder.Admits(source))
            {
                return;
            }
            client.NoDelay = true;
            slot = _connections.Enter(address, client.Dispose);
            while (await ReadAsync(client, query, stop).ConfigureAwait(false) is > 0 and int length)
            {
                DnsVerdict verdict = _responder.Answer(query.AsSpan(0, length), source, stream: true, answer.AsSpan(2, MaxMessage), out int size);
                if (verdict == DnsVerdict.Forward)
                {
                    size = await _forwarder.AskAsync(query.AsMemory(0, length), _responder.AskerOf(source), stream: true, answer.AsMemory(2, MaxMessage)).ConfigureAwait(false);
                }
                if (size == 0)
                {
                    return;
                }
                BinaryPrimitives.WriteUInt16BigEndian(answer, (ushort)size);
                await SendAsync(client, answer.AsMemory(0, 2 + size), stop).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The asker is gone, was too slow, was cut, or the resolver stops.
        }
        finally
        {
            slot?.Leave();
            ArrayPool<byte>.Shared.Return(query);
            ArrayPool<byte>.Shared.Return(answer);
        }
    }

    // The next query; 0 when there is none, or one that is too long.
    private async ValueTask<int> ReadAsync(Socket client, byte[] buffer, CancellationToken stop)
    {
        using CancellationTokenSource late = new(Idle, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        if (!await FillAsync(client, buffer.AsMemory(0, 2), either.Token).ConfigureAwait(false))
        {
            return 0;
        }
        int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
        return length is > 0 and <= MaxQuery && await FillAsync(client, buffer.AsMemory(0, length), either.Token).ConfigureAwait(false) ? length : 0;
    }

    private async Task SendAsync(Socket client, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        using CancellationTokenSource late = new(Idle, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await client.SendAsync(bytes, SocketFlags.None, either.Token).ConfigureAwait(false)..];
        }
    }

    private static async ValueTask<bool> FillAsync(Socket client, Memory<byte> buffer, CancellationToken cancel)
    {
        while (!buffer.IsEmpty)
        {
            int read = await client.ReceiveAsync(buffer, SocketFlags.None, cancel).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }
            buffer = buffer[read..];
        }
        return true;
    }
}
