using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Control;

/// <summary>
/// Connects to a host of several addresses: one after the other, not waiting long for one that does not answer, the families in turns (RFC 8305). Each
/// attempt has a socket of its own, so what was set on it before it connects holds for the connection. Thread-safe, keeps nothing.
/// </summary>
internal static class TcpDialler
{
    /// <summary>How long an attempt has before the next begins beside it.</summary>
    internal static readonly TimeSpan Head = TimeSpan.FromMilliseconds(250);

    // More addresses than any host should have; beyond them nothing is tried.
    private const int MaxAddresses = 16;

    /// <summary>The first connection that stands.</summary>
    /// <param name="host">Host name or IP address.</param>
    /// <param name="port">TCP port.</param>
    /// <param name="dialling">Finds the addresses, and has a say about each socket.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SocketException">There is no address, or none answers; the error is the last one's.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal static async Task<Socket> ConnectAsync(string host, int port, Dialling dialling, CancellationToken cancel)
    {
        IPAddress[] addresses = IPAddress.TryParse(host, out IPAddress? literal) ? [literal] : InTurns(await dialling.Resolve(host).WaitAsync(cancel).ConfigureAwait(false));
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        List<Task<Socket>> attempts = [];
        SocketException failure = new((int)SocketError.HostNotFound);
        int next = 0;
        while (true)
        {
            if (next < addresses.Length)
            {
                attempts.Add(TryAsync(addresses[next++], port, dialling.ConfigureSocket, over.Token));
            }
            if (attempts.Count == 0)
            {
                throw failure;
            }
            if (next < addresses.Length)
            {
                Task head = Task.Delay(Head, over.Token);
                if (await Task.WhenAny([.. attempts, head]).ConfigureAwait(false) == head)
                {
                    continue;
                }
            }
            Task<Socket> done = await Task.WhenAny(attempts).ConfigureAwait(false);
            attempts.Remove(done);
            try
            {
                Socket socket = await done.ConfigureAwait(false);
                await over.CancelAsync().ConfigureAwait(false);
                attempts.ForEach(Forget);
                return socket;
            }
            catch (SocketException e)
            {
                failure = e;
            }
            catch
            {
                await over.CancelAsync().ConfigureAwait(false);
                attempts.ForEach(Forget);
                throw;
            }
        }
    }

    private static async Task<Socket> TryAsync(IPAddress address, int port, Action<Socket>? configure, CancellationToken cancel)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            configure?.Invoke(socket);
            await socket.ConnectAsync(new IPEndPoint(address, port), cancel).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // One that came too late is closed, one that failed is nobody's business.
    private static void Forget(Task<Socket> attempt) => attempt.ContinueWith(static t =>
    {
        if (t.IsCompletedSuccessfully)
        {
            t.Result.Dispose();
        }
        else
        {
            _ = t.Exception;
        }
    }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private static IPAddress[] InTurns(IPAddress[] addresses)
    {
        // The system's order decides which family is first, and the order within each.
        IPAddress[] first = [.. addresses.Where(a => a.AddressFamily == addresses[0].AddressFamily)], second = [.. addresses.Except(first)];
        return [.. Enumerable.Range(0, Math.Max(first.Length, second.Length)).SelectMany(i => first.Skip(i).Take(1).Concat(second.Skip(i).Take(1))).Take(MaxAddresses)];
    }
}
