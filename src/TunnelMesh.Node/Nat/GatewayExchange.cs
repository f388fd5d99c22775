using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>Request and answer over UDP with a gateway, repeated at growing pauses.</summary>
internal static class GatewayExchange
{
    // A gateway is a hop away; RFC 6886 section 3.1 begins alike, and what is still silent after this is tried by the next method.
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(1000)];

    // Whoever sends more that is no answer is not waited for any longer.
    private const int MaxAnswers = 16;

    /// <summary>Takes a datagram of the gateway's; null when it is no answer to what was asked.</summary>
    public delegate T? Taker<T>(ReadOnlySpan<byte> datagram) where T : class;

    /// <summary>Asks at the port of PCP and NAT-PMP.</summary>
    /// <param name="network">The network.</param>
    /// <param name="wish">Whom, and from where.</param>
    /// <param name="write">Makes the request, given our address.</param>
    /// <param name="take">Takes what comes.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>What was taken; null for none.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">For example, nothing listens there.</exception>
    public static async Task<T?> AskAsync<T>(IMappingNetwork network, MappingWish wish, Func<IPAddress, ReadOnlyMemory<byte>> write, Taker<T> take, TimeProvider time, CancellationToken cancel)
        where T : class
    {
        using IGatewayPort port = network.Connect(new IPEndPoint(wish.Gateway, PcpMessage.ServerPort), wish.Local);
        ReadOnlyMemory<byte> request = write(port.Local);
        int answers = 0;
        foreach (TimeSpan pause in Pauses)
        {
            await port.SendAsync(request, cancel).ConfigureAwait(false);
            using CancellationTokenSource timer = new(pause, time);
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
            try
            {
                while (answers++ < MaxAnswers)
                {
                    if (take((await port.ReceiveAsync(limit.Token).ConfigureAwait(false)).Span) is { } taken)
                    {
                        return taken;
                    }
                }
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Once more, or not.
            }
        }

        return null;
    }
}
