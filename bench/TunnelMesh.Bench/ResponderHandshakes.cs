using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Bench;

/// <summary>The whole work of a responder for one handshake: mac1, the initiation, the response, both transport keys.</summary>
internal static class ResponderHandshakes
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);

    public static void Run(int rounds, TextWriter output)
    {
        using LocalStatic initiator = new(RandomNumberGenerator.GetBytes(32));
        using LocalStatic responder = new(RandomNumberGenerator.GetBytes(32));
        CookieResponder cookies = new(responder, TimeProvider.System, RandomNumberGenerator.Fill);
        byte[] initiation = new byte[WireGuardMessage.InitiationSize], response = new byte[WireGuardMessage.ResponseSize];
        using InitiatorHandshake handshake = InitiatorHandshake.Create(
            initiator, responder.PublicKey.Span, [], 1, Tai64n.From(DateTimeOffset.UtcNow), [], RandomNumberGenerator.Fill, initiation)!;
        List<double> rates = [];
        for (int round = 0; round <= rounds; round++)
        {
            Stopwatch clock = Stopwatch.StartNew();
            int count = 0;
            while (clock.Elapsed < Round)
            {
                if (!cookies.IsMac1Valid(initiation))
                {
                    throw new InvalidOperationException("the initiation is not valid");
                }
                using ReceivedInitiation received = ReceivedInitiation.TryRead(responder, initiation)!;
                using TransportKeypair session = received.Respond([], 2, [], RandomNumberGenerator.Fill, 0, TimeProvider.System, response)!;
                count++;
            }
            // The first round only warms up.
            if (round > 0)
            {
                rates.Add(count / clock.Elapsed.TotalSeconds);
                output.WriteLine($"round {round}: {rates[^1]:F0} handshakes/s");
            }
        }
        rates.Sort();
        output.WriteLine($"median of {rounds}: {rates[rounds / 2]:F0} handshakes/s on one thread");
    }
}
