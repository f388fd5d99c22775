using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// One UDP socket of the resolver: reads, answers, sends, on a thread of its own: an answer takes less time than handing a query over to a thread of the pool would.
/// What is answered here allocates nothing; what others are asked for goes on beside it.
/// </summary>
internal sealed class DnsUdpListener : IAsyncDisposable
{
    private const int StackBytes = 256 << 10;
    private static readonly TimeSpan ErrorPause = TimeSpan.FromMilliseconds(20);
    private readonly Socket _socket;
    private readonly DnsResponder _responder;
    private readonly DnsForwarder _forwarder;
    private readonly Action _unsent;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    /// <param name="socket">Bound; belongs to the listener.</param>
    /// <param name="responder">Answers.</param>
    /// <param name="forwarder">Asks others.</param>
    /// <param name="unsent">Told of each answer that the system did not take.</param>
    internal DnsUdpListener(Socket socket, DnsResponder responder, DnsForwarder forwarder, Action unsent)
    {
        (_socket, _responder, _forwarder, _unsent) = (socket, responder, forwarder, unsent);
        new Thread(Run, StackBytes) { IsBackground = true, Name = "DNS" }.Start();
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        // Ends the thread's wait.
        _socket.Dispose();
        await _ended.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        // One byte more than is taken, so that a datagram that was cut is seen to be too large.
        byte[] query = GC.AllocateArray<byte>(DnsResponder.MaxUdp + 1, pinned: true), answer = GC.AllocateArray<byte>(DnsResponder.MaxUdp, pinned: true);
        SocketAddress source = new(_socket.AddressFamily);
        while (!_stopping)
        {
            try
            {
                source.Size = SocketAddress.GetMaximumAddressSize(_socket.AddressFamily);
                int received = _socket.ReceiveFrom(query, SocketFlags.None, source);
                Serve(query.AsSpan(0, received), source, answer);
            }
            catch (ObjectDisposedException)
            {
                break;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.MessageSize)
            {
                // A datagram that is far too large, of which Windows tells so. No pause: whoever sends them would have everybody wait.
            }
            catch (SocketException) when (!_stopping)
            {
                // Memory that is short, say; asking again at once would spin.
                Thread.Sleep(ErrorPause);
            }
            catch (SocketException)
            {
                // The wait was ended.
            }
        }
        _ended.SetResult();
    }

    private void Serve(ReadOnlySpan<byte> query, SocketAddress source, Span<byte> answer)
    {
        if (!DnsSource.TryRead(source, out DnsSource from))
        {
            return;
        }
        switch (_responder.Answer(query, from, stream: false, answer, out int length))
        {
            case DnsVerdict.Answer:
                Send(answer[..length], source);
                break;
            case DnsVerdict.Forward:
                byte[] rented = ArrayPool<byte>.Shared.Rent(query.Length);
                query.CopyTo(rented);
                _ = ForwardAsync(rented, query.Length, _responder.AskerOf(from), Copy(source));
                break;
            default:
                break;
        }
    }

    private async Task ForwardAsync(byte[] query, int length, DnsAsker asker, SocketAddress client)
    {
        byte[] answer = ArrayPool<byte>.Shared.Rent(DnsForwarder.MaxUdpAnswer);
        try
        {
            int size = await _forwarder.AskAsync(query.AsMemory(0, length), asker, stream: false, answer).ConfigureAwait(false);
            if (size > 0)
            {
                Send(answer.AsSpan(0, size), client);
            }
        }
        catch (ObjectDisposedException)
        {
            // The resolver stops, and its socket is gone.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(query);
            ArrayPool<byte>.Shared.Return(answer);
        }
    }

    private static SocketAddress Copy(SocketAddress address)
    {
        SocketAddress copy = new(address.Family, address.Size);
        address.Buffer.Span[..address.Size].CopyTo(copy.Buffer.Span);
        return copy;
    }

    private void Send(ReadOnlySpan<byte> answer, SocketAddress target)
    {
        try
        {
            _socket.SendTo(answer, SocketFlags.None, target);
        }
        catch (SocketException)
        {
            _unsent();
        }
    }
}
