using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>
/// Tries the endpoints of a device, several at once, each a little after the one before (as RFC 8305 has it for addresses of a name). The first at which
/// the device has proved its key is told who we are, and no other one meanwhile.
/// </summary>
/// <param name="options">Of the transport.</param>
/// <param name="begin">Makes a stream live over a connected socket.</param>
internal sealed class SshDialler(SshTransportOptions options, Func<Socket, SshPeer, SshStream> begin)
{
    private const int MaxEndpoints = 16, MaxAtOnce = 6;
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(200);

    /// <summary>Dials until a stream is open, everything has failed, or the limit has passed.</summary>
    /// <returns>Null when a stream is open; else what was tried and how it went.</returns>
    public async Task<string?> DialAsync(SshPeer peer, CancellationToken cancel)
    {
        using CancellationTokenSource limit = new(options.HandshakeLimit, options.Time);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        using SemaphoreSlim turn = new(1);
        IPEndPoint[] endpoints = [.. InTurn(peer.Endpoints).Take(MaxEndpoints)];
        List<Task<string?>> running = [];
        List<string> failures = [];
        bool open = false;
        for (int next = 0; !open && (running.Count > 0 || next < endpoints.Length);)
        {
            if (next < endpoints.Length && running.Count < MaxAtOnce && !over.IsCancellationRequested)
            {
                running.Add(TryAsync(endpoints[next++], peer, turn, over.Token));
            }
            else if (over.IsCancellationRequested)
            {
                next = endpoints.Length;
            }
            Task pace = next < endpoints.Length && running.Count < MaxAtOnce ? Task.Delay(Stagger, options.Time, over.Token) : Task.Delay(Timeout.Infinite, over.Token);
            await Task.WhenAny([.. running, pace]).ConfigureAwait(false);
            // When the limit has passed the attempts end by themselves, and there is nothing to pace.
            if (over.IsCancellationRequested)
            {
                await Task.WhenAll(running).ConfigureAwait(false);
            }
            foreach (Task<string?> done in running.FindAll(t => t.IsCompleted))
            {
                running.Remove(done);
                string? failure = await done.ConfigureAwait(false);
                open |= failure is null;
                failures.Add(failure ?? "");
            }
        }
        await over.CancelAsync().ConfigureAwait(false);
        foreach (Task<string?> rest in running)
        {
            open |= await rest.ConfigureAwait(false) is null;
        }
        return open ? null : failures.Count == 0 ? "nothing to dial" : string.Join("; ", failures);
    }

    /// <summary>The endpoints with both families in turn, the first one's first, each family in its order.</summary>
    internal static IEnumerable<IPEndPoint> InTurn(IReadOnlyList<IPEndPoint> endpoints)
    {
        if (endpoints.Count == 0)
        {
            return [];
        }
        AddressFamily first = endpoints[0].AddressFamily;
        IPEndPoint[] one = [.. endpoints.Where(e => e.AddressFamily == first)], two = [.. endpoints.Where(e => e.AddressFamily != first)];
        return Enumerable.Range(0, Math.Max(one.Length, two.Length)).SelectMany(i => one.Skip(i).Take(1).Concat(two.Skip(i).Take(1)));
    }

    // Null when the stream is open.
    private async Task<string?> TryAsync(IPEndPoint endpoint, SshPeer peer, SemaphoreSlim turn, CancellationToken over)
    {
        Socket? socket = null;
        SshStream stream;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            options.ConfigureSocket?.Invoke(socket);
            await socket.ConnectAsync(endpoint, over).ConfigureAwait(false);
            TcpPort.ForDatagrams(socket);
            stream = begin(socket, peer);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            socket?.Dispose();
            return $"{endpoint}: {(e is SocketException s ? s.Message.TrimEnd('.') : "no connection in time")}";
        }
        try
        {
            if (!await stream.Verified.WaitAsync(over).ConfigureAwait(false))
            {
                return $"{endpoint}: {stream.Failure?.Text}";
            }
            await turn.WaitAsync(over).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            stream.Abort();
            return $"{endpoint}: no SSH of this peer in time";
        }
        // From here on the other side may hold the stream for open, so it ends by its own deadline only.
        stream.Authenticate();
        if (await stream.WhenOpened.ConfigureAwait(false))
        {
            return null;
        }
        turn.Release();
        return $"{endpoint}: {stream.Failure?.Text}";
    }
}
