using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Bench;

/// <summary>
/// Nanoseconds per packet for sealing, opening and refusing, with both implementations of the transport's cipher. They take
/// turns in short slices, so that what else the machine does falls on both alike; medians of the slices are told.
/// </summary>
internal static class TransportSealing
{
    private const int PacketsPerSlice = 20_000;
    private static readonly int[] Sizes = [64, 256, 1420];

    public static void Run(int rounds, TextWriter output)
    {
        if (LibCrypto.Instance is not { } library)
        {
            throw new InvalidOperationException("no usable libcrypto here: there is nothing to compare");
        }
        byte[] key = RandomNumberGenerator.GetBytes(32);
        using EvpAead evp = new(library, key);
        using FrameworkAead framework = new(key);
        TransportAead[] implementations = [evp, framework];
        output.WriteLine("ns per packet, median of slices (fastest): seal, open");
        foreach (int size in Sizes)
        {
            List<double>[] seal = [[], []], open = [[], []];
            for (int round = 0; round <= rounds * 5; round++)
            {
                for (int which = 0; which < implementations.Length; which++)
                {
                    (double sealing, double opening) = Slice(implementations[which], size);
                    // The first slices only warm up.
                    if (round >= 5)
                    {
                        seal[which].Add(sealing);
                        open[which].Add(opening);
                    }
                }
            }
            output.WriteLine($"{size,5} B  libcrypto {Tell(seal[0])}, {Tell(open[0])}   framework {Tell(seal[1])}, {Tell(open[1])}");
        }
        List<double>[] refuse = [[], []];
        for (int round = 0; round < rounds; round++)
        {
            refuse[0].Add(Refusals(evp, PacketsPerSlice));
            refuse[1].Add(Refusals(framework, PacketsPerSlice / 20));
        }
        output.WriteLine($"forged 64 B  libcrypto {Tell(refuse[0])}   framework {Tell(refuse[1])}");
    }

    private static (double Seal, double Open) Slice(TransportAead aead, int size)
    {
        byte[] data = new byte[size], tag = new byte[WireGuardMessage.TagSize], sealedData = new byte[size], sealedTag = new byte[WireGuardMessage.TagSize];
        aead.Seal(1, sealedData, sealedTag);
        long start = Stopwatch.GetTimestamp();
        for (ulong i = 0; i < PacketsPerSlice; i++)
        {
            aead.Seal(i, data, tag);
        }
        double sealing = Stopwatch.GetElapsedTime(start).TotalNanoseconds / PacketsPerSlice;
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < PacketsPerSlice; i++)
        {
            // Opening is in place; the copy is some 20 ns at 1420 bytes and the same for both.
            sealedData.CopyTo(data, 0);
            if (!aead.TryOpen(1, data, sealedTag))
            {
                throw new InvalidOperationException("the packet does not open");
            }
        }
        return (sealing, Stopwatch.GetElapsedTime(start).TotalNanoseconds / PacketsPerSlice);
    }

    private static double Refusals(TransportAead aead, int count)
    {
        byte[] data = new byte[64], tag = new byte[WireGuardMessage.TagSize];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            if (aead.TryOpen(1, data, tag))
            {
                throw new InvalidOperationException("a forged packet opened");
            }
        }
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
    }

    private static string Tell(List<double> figures)
    {
        figures.Sort();
        return $"{figures[figures.Count / 2]:F0} ({figures[0]:F0})";
    }
}
