using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>Sound initiations of strangers, in bursts: each costs the receiver its Diffie-Hellman work. Bounded in time.</summary>
internal static class HandshakeFlood
{
    private const int Burst = 400;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20), Limit = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(NetworkNamespace machine, IPEndPoint target, WireGuardKeys remote, CancellationToken cancel)
    {
        byte[][] initiations = [.. Enumerable.Range(0, 200).Select(_ => Initiation(Convert.FromBase64String(remote.Public)))];
        using Socket socket = NamespaceSocket.Bind(machine, IPAddress.Parse(machine.Address));
        using PeriodicTimer timer = new(Pause);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(Limit);
        try
        {
            while (await timer.WaitForNextTickAsync(over.Token))
            {
                for (int i = 0; i < Burst; i++)
                {
                    await socket.SendToAsync(initiations[i % initiations.Length], target, over.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }

    private static byte[] Initiation(byte[] remotePublic)
    {
        byte[] message = new byte[WireGuardMessage.InitiationSize];
        using LocalStatic stranger = new(RandomNumberGenerator.GetBytes(32));
        using InitiatorHandshake? handshake = InitiatorHandshake.Create(
            stranger, remotePublic, [], 1, Tai64n.From(TimeProvider.System.GetUtcNow()), [], RandomNumberGenerator.Fill, message);
        return message;
    }
}
