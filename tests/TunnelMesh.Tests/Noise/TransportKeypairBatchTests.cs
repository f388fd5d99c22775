using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

/// <summary>Batches against single calls: each opens what the other sealed.</summary>
public sealed class TransportKeypairBatchTests : IDisposable
{
    private static readonly int[] Lengths = [0, 16, 64, 1408, 1, 256, 1408, 1408, 80];
    private readonly TransportKeypair _left, _right;

    public TransportKeypairBatchTests()
    {
        byte[] first = RandomNumberGenerator.GetBytes(32), second = RandomNumberGenerator.GetBytes(32);
        _left = new TransportKeypair(first, second, 1, 2, true, createdAt: 0, rejectAt: 1000);
        _right = new TransportKeypair(second, first, 2, 1, false, createdAt: 0, rejectAt: 1000);
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    private static byte[] Fill(out AeadPacket[] packets)
    {
        packets = new AeadPacket[Lengths.Length];
        int at = 0;
        for (int i = 0; i < Lengths.Length; i++)
        {
            packets[i] = new AeadPacket(at + 16, Lengths[i], 0);
            at += Lengths[i] + 32;
        }
        return RandomNumberGenerator.GetBytes(at);
    }

    [Fact]
    public void What_a_batch_sealed_single_calls_open_and_the_reverse()
    {
        byte[] buffer = Fill(out AeadPacket[] packets), plain = [.. buffer];
        Assert.True(_left.SealBatch(buffer, packets, 1));
        Assert.Equal((ulong)packets.Length, _left.SentMessages);
        foreach (AeadPacket packet in packets)
        {
            Span<byte> datagram = buffer.AsSpan(packet.Offset - 16, packet.Length + 32);
            Assert.Equal(WireGuardMessage.Transport, WireGuardMessage.TypeOf(datagram));
            Assert.Equal(OpenResult.Opened, _right.Open(datagram, 1, out int length));
            Assert.Equal(packet.Length, length);
            Assert.True(plain.AsSpan(packet.Offset, packet.Length).SequenceEqual(buffer.AsSpan(packet.Offset, packet.Length)));
        }

        buffer = [.. plain];
        foreach (AeadPacket packet in packets)
        {
            Assert.Equal(packet.Length + 32, _right.Seal(buffer.AsSpan(packet.Offset - 16, packet.Length + 32), packet.Length, packet.Length, 1));
        }
        OpenResult[] results = new OpenResult[packets.Length];
        _left.OpenBatch(buffer, packets, results, 1);
        Assert.All(results, r => Assert.Equal(OpenResult.Opened, r));
        Assert.All(packets, p => Assert.True(plain.AsSpan(p.Offset, p.Length).SequenceEqual(buffer.AsSpan(p.Offset, p.Length))));
    }

    [Fact]
    public void Forged_and_repeated_packets_of_a_batch_are_told_apart_and_do_not_touch_their_neighbours()
    {
        byte[] buffer = Fill(out AeadPacket[] packets), plain = [.. buffer];
        Assert.True(_left.SealBatch(buffer, packets, 1));
        byte[] again = [.. buffer];
        buffer[packets[3].Offset + 700] ^= 1;
        buffer[packets[8].Offset + packets[8].Length + 15] ^= 0x80;
        // The second of the full-size ones is the first once more.
        buffer.AsSpan(packets[6].Offset - 16, packets[6].Length + 32).CopyTo(buffer.AsSpan(packets[7].Offset - 16));
        OpenResult[] results = new OpenResult[packets.Length];
        _right.OpenBatch(buffer, packets, results, 1);
        for (int i = 0; i < packets.Length; i++)
        {
            OpenResult expected = i is 3 or 8 ? OpenResult.Forged : i == 7 ? OpenResult.Replayed : OpenResult.Opened;
            Assert.Equal(expected, results[i]);
            Span<byte> data = buffer.AsSpan(packets[i].Offset, packets[i].Length);
            Assert.True(expected == OpenResult.Forged ? data.IndexOfAnyExcept((byte)0) < 0 : i == 7 || data.SequenceEqual(plain.AsSpan(packets[i].Offset, packets[i].Length)));
        }

        _right.OpenBatch(again, packets, results, 1);
        Assert.Equal([.. Enumerable.Range(0, 9).Select(i => i is 3 or 7 or 8 ? OpenResult.Opened : OpenResult.Replayed)], results);
    }

    [Fact]
    public void A_session_that_is_over_seals_and_opens_nothing()
    {
        byte[] buffer = Fill(out AeadPacket[] packets);
        Assert.True(_left.SealBatch(buffer, packets, 999));
        byte[] before = [.. buffer];
        OpenResult[] results = new OpenResult[packets.Length];
        _right.OpenBatch(buffer, packets, results, 1000);
        Assert.All(results, r => Assert.Equal(OpenResult.Expired, r));
        Assert.False(_left.SealBatch(buffer, packets, 1000));
        Assert.Equal(before, buffer);

        _left.Dispose();
        _right.Dispose();
        Assert.False(_left.SealBatch(buffer, packets, 1));
        results.AsSpan().Clear();
        _right.OpenBatch(before, packets, results, 1);
        Assert.All(results, r => Assert.Equal(OpenResult.Expired, r));
    }
}
