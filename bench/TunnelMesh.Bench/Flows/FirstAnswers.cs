using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Bench.Flows;

/// <summary>When a TCP port of each of many addresses answers for the first time, be it by refusing: what a packet filter drops is not answered.</summary>
internal static class FirstAnswers
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks all that have not answered yet, again and again.</summary>
    /// <param name="port">The port.</param>
    /// <param name="addresses">Whom.</param>
    /// <param name="limit">How long at most.</param>
    /// <param name="asked">Told once everybody has been asked the first time and nobody has answered.</param>
    /// <returns>When each answered, in milliseconds since <paramref name="asked"/> was told; null for not at all.</returns>
    public static async Task<double?[]> RunAsync(int port, IReadOnlyList<IPAddress> addresses, TimeSpan limit, Action asked)
    {
        double?[] answers = new double?[addresses.Count];
        List<Task> tries = [];
        long told = 0;
        while (told == 0 || (Stopwatch.GetElapsedTime(told) < limit && answers.Contains(null)))
        {
            for (int i = 0; i < addresses.Count; i++)
            {
                if (answers[i] is null)
                {
                    tries.Add(TryAsync(i));
                }
            }
            await Task.Delay(Pause).ConfigureAwait(false);
            if (told == 0)
            {
                if (!answers.All(a => a is null))
                {
                    throw new InvalidOperationException("Somebody answers before anything has been changed.");
                }
                Volatile.Write(ref told, Stopwatch.GetTimestamp());
                asked();
            }
        }
        await Task.WhenAll(tries).ConfigureAwait(false);
        return answers;

        async Task TryAsync(int i)
        {
            using Socket socket = new(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using CancellationTokenSource patience = new(TimeSpan.FromMilliseconds(500));
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[i], port), patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                if (e.SocketErrorCode != SocketError.ConnectionRefused)
                {
                    return;
                }
            }
            answers[i] ??= told == 0 ? 0 : Stopwatch.GetElapsedTime(Volatile.Read(ref told)).TotalMilliseconds;
        }
    }
}
