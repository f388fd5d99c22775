using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Bench;

/// <summary>
/// Nanoseconds per packet for sealing, opening and refusing, one by one and in batches, with every implementation of the transport's cipher that can run here. They
/// take turns in short slices, so that what else the machine does falls on all alike; medians of the slices are told.
/// </summary>
internal static class TransportSealing
{
    private const int PacketsPerSlice = 5_000;
    private static readonly int[] Sizes = [64, 256, 1420];

    // 1 is a call for a single packet, the others are batches.
    private static readonly int[] Batches = [1, 16, 45];

    public static void Run(int rounds, TextWriter output)
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        List<(string Name, TransportAead Aead)> implementations = [];
        if (VectorAead.IsSupported)
        {
            implementations.Add(("vector", new VectorAead(key)));
        }
        if (LibCrypto.Instance is { } library)
        {
            implementations.Add(("libcrypto", new EvpAead(library, key)));
        }
        implementations.Add(("framework", new FrameworkAead(key)));
        output.WriteLine("ns per packet, median of slices (fastest): seal / open");
        foreach (int size in Sizes)
        {
            foreach (int batch in Batches)
            {
                Measure(implementations, batch == 1 ? $"{size,5} B, single  " : $"{size,5} B, batch {batch}", rounds * 10, output, aead => batch == 1 ? Single(aead, size) : Batch(aead, size, batch));
            }
        }
        Measure(implementations, "forged 64 B      ", rounds, output, aead => (double.NaN, Refusals(aead)));
        implementations.ForEach(implementation => implementation.Aead.Dispose());
    }

    private static void Measure(List<(string Name, TransportAead Aead)> implementations, string what, int slices, TextWriter output, Func<TransportAead, (double Seal, double Open)> slice)
    {
        List<double>[] seal = [.. implementations.Select(_ => new List<double>())], open = [.. implementations.Select(_ => new List<double>())];
        // The first slices only warm up.
        for (int round = -5; round < slices; round++)
        {
            for (int which = 0; which < implementations.Count; which++)
            {
                (double sealing, double opening) = slice(implementations[which].Aead);
                if (round >= 0)
                {
                    seal[which].Add(sealing);
                    open[which].Add(opening);
                }
            }
        }
        output.WriteLine($"{what}  {string.Join("   ", implementations.Select((implementation, which) => $"{implementation.Name} {Tell(seal[which])} / {Tell(open[which])}"))}");
    }

    private static (double Seal, double Open) Single(TransportAead aead, int size)
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
            // Opening is in place; the copy is some 20 ns at 1420 bytes and the same for all.
            sealedData.CopyTo(data, 0);
            if (!aead.TryOpen(1, data, sealedTag))
            {
                throw new InvalidOperationException("the packet does not open");
            }
        }
        return (sealing, Stopwatch.GetElapsedTime(start).TotalNanoseconds / PacketsPerSlice);
    }

    // Slots as the data plane lays them: header, data, tag.
    private static (double Seal, double Open) Batch(TransportAead aead, int size, int count)
    {
        int slot = WireGuardMessage.TransportOverhead + size, runs = PacketsPerSlice / count;
        AeadPacket[] packets = [.. Enumerable.Range(0, count).Select(i => new AeadPacket((i * slot) + WireGuardMessage.TransportHeaderSize, size, (ulong)i))];
        byte[] buffer = new byte[count * slot], sealedBuffer = new byte[count * slot];
        aead.SealBatch(sealedBuffer, packets);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < runs; i++)
        {
            aead.SealBatch(buffer, packets);
        }
        double sealing = Stopwatch.GetElapsedTime(start).TotalNanoseconds / runs / count;
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < runs; i++)
        {
            sealedBuffer.CopyTo(buffer, 0);
            aead.OpenBatch(buffer, packets);
            if (!packets[i % count].IsAuthentic)
            {
                throw new InvalidOperationException("a packet of the batch does not open");
            }
        }
        return (sealing, Stopwatch.GetElapsedTime(start).TotalNanoseconds / runs / count);
    }

    private static double Refusals(TransportAead aead)
    {
        // The framework throws for each inside.
        int count = aead is FrameworkAead ? PacketsPerSlice / 20 : PacketsPerSlice;
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
        return double.IsNaN(figures[0]) ? "–" : $"{figures[figures.Count / 2]:F0} ({figures[0]:F0})";
    }
}
