using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

/// <summary>Batches against single messages: the same bytes, the same verdicts.</summary>
public sealed class TransportKeypairTests
{
    private const long Now = 5, RejectAt = 100;
    private const ulong Reject = TransportKeypair.RejectAfterMessages;
    private static readonly byte[] There = [.. Enumerable.Repeat((byte)1, 32)], Back = [.. Enumerable.Repeat((byte)2, 32)];
    private readonly Random _random = new(4711);

    [Fact]
    public void A_batch_gives_the_bytes_that_single_messages_give()
    {
        using TransportKeypair batches = Sender(), singles = Sender();
        for (int round = 0; round < 100; round++)
        {
            byte[] buffer = Plain(round == 0 ? [65535, 0, 1] : Lengths(), out AeadPacket[] packets), expected = [.. buffer];
            foreach (AeadPacket packet in packets)
            {
                Assert.NotEqual(0, singles.Seal(expected.AsSpan(packet.Offset - 16, packet.Length + 32), packet.Length, packet.Length, Now));
            }

            Assert.True(batches.SealBatch(buffer, packets, Now));
            Assert.Equal(expected, buffer);
            Assert.Equal(singles.SentMessages, batches.SentMessages);

            // Single messages and batches count on from each other.
            byte[] one = new byte[48], other = new byte[48];
            Assert.Equal(48, batches.Seal(one, 5, 16, Now));
            Assert.Equal(48, singles.Seal(other, 5, 16, Now));
            Assert.Equal(other, one);
        }
    }

    [Fact]
    public void A_batch_opens_with_the_verdicts_and_bytes_of_single_messages_in_the_same_order()
    {
        var seen = new Dictionary<OpenResult, int>();
        using TransportKeypair sender = Sender(), batches = Receiver(), singles = Receiver();
        using TransportAead beyond = TransportAead.Create(There);
        List<byte[]> sent = [];
        for (int round = 0; round < 300; round++)
        {
            byte[] buffer = Plain(Lengths(), out AeadPacket[] packets);
            Assert.True(sender.SealBatch(buffer, packets, Now));
            byte[][] fresh = [.. packets.Select(p => buffer.AsSpan(p.Offset - 16, p.Length + 32).ToArray())];
            sent.AddRange(fresh);
            List<byte[]> wire = [.. fresh, .. fresh.Where(_ => _random.Next(4) == 0), sent[_random.Next(sent.Count)]];
            wire.AddRange(fresh.Where(_ => _random.Next(4) == 0).Select(Forged));
            wire.Add(Beyond(beyond, Reject + (ulong)_random.Next(100)));
            byte[][] shuffled = [.. wire];
            _random.Shuffle(shuffled);
            foreach ((OpenResult result, int count) in OpenBothWays(shuffled, batches, singles).CountBy(r => r))
            {
                seen[result] = seen.GetValueOrDefault(result) + count;
            }
        }

        Assert.All(Enum.GetValues<OpenResult>(), result => Assert.True(seen.GetValueOrDefault(result) > 100, $"hardly ever {result}"));
        Assert.Equal((int)sender.SentMessages, seen[OpenResult.Opened]);
    }

    [Fact]
    public void The_replay_window_moves_in_the_order_of_the_batch()
    {
        using TransportAead cipher = TransportAead.Create(There);
        using TransportKeypair batches = Receiver(), singles = Receiver();
        ulong far = (ulong)ReplayWindow.Size;
        byte[][] wire = [Beyond(cipher, 0), Beyond(cipher, far), Beyond(cipher, 0), Beyond(cipher, 1), Beyond(cipher, far + 2), Beyond(cipher, 2), Beyond(cipher, 3)];
        Assert.Equal(
            [OpenResult.Opened, OpenResult.Opened, OpenResult.Replayed, OpenResult.Opened, OpenResult.Opened, OpenResult.Replayed, OpenResult.Opened],
            OpenBothWays(wire, batches, singles));
    }

    [Theory, InlineData(1), InlineData(3)]
    public void The_last_messages_go_in_a_batch_as_they_would_singly_and_none_after_them(int last)
    {
        using TransportKeypair batches = Sender(), singles = Sender(), receiver = Receiver();
        Counter(batches) = Counter(singles) = Reject - (ulong)last;
        byte[] tooMany = Plain([.. Enumerable.Repeat(20, last + 1)], out AeadPacket[] packets);
        Assert.False(batches.SealBatch(tooMany, packets, Now));
        Assert.Equal(Reject - (ulong)last, batches.SentMessages);

        byte[] buffer = Plain([.. Enumerable.Repeat(20, last)], out packets);
        Assert.True(batches.SealBatch(buffer, packets, Now));
        Assert.Equal(Reject - 1, BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(packets[^1].Offset - 8)));
        Assert.All(packets, _ => Assert.NotEqual(0, singles.Seal(new byte[64], 20, 32, Now)));
        OpenResult[] results = new OpenResult[last];
        receiver.OpenBatch(buffer, packets, results, Now);
        Assert.All(results, r => Assert.Equal(OpenResult.Opened, r));

        Assert.Equal(0, singles.Seal(new byte[64], 20, 32, Now));
        Assert.False(batches.SealBatch(Plain([20], out packets), packets, Now));
        Assert.Equal(Reject, batches.SentMessages);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_session_past_its_time_or_forgotten_neither_seals_nor_opens_a_batch(bool disposed)
    {
        using TransportKeypair sender = Sender(), receiver = Receiver();
        byte[] buffer = Plain([100, 200], out AeadPacket[] packets);
        Assert.True(sender.SealBatch(buffer, packets, RejectAt - 1));
        byte[] genuine = [.. buffer];
        long now = disposed ? Now : RejectAt;
        if (disposed)
        {
            sender.Dispose();
            receiver.Dispose();
        }

        OpenResult[] results = [OpenResult.Opened, OpenResult.Opened];
        receiver.OpenBatch(buffer, packets, results, now);
        Assert.All(results, r => Assert.Equal(OpenResult.Expired, r));
        Assert.False(sender.SealBatch(genuine, packets, now));
    }

    [Fact]
    public void Threads_that_seal_at_once_never_share_a_number_and_all_their_messages_open()
    {
        const int Threads = 4, Rounds = 400;
        using TransportKeypair sender = Sender(), receiver = Receiver();
        var sealedMessages = new List<byte[]>[Threads];
        (byte[] Buffer, AeadPacket[] Packets)[] batches = [.. Enumerable.Range(0, Threads * Rounds).Select(_ => (Plain([100, 30, 0], out AeadPacket[] p), p))];
        using var start = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            List<byte[]> mine = sealedMessages[t] = [];
            start.SignalAndWait();
            for (int round = 0; round < Rounds; round++)
            {
                (byte[] buffer, AeadPacket[] packets) = batches[(t * Rounds) + round];
                Assert.True(sender.SealBatch(buffer, packets, Now));
                mine.AddRange(packets.Select(p => buffer.AsSpan(p.Offset - 16, p.Length + 32).ToArray()));
                byte[] single = new byte[48];
                Assert.Equal(48, sender.Seal(single, 9, 16, Now));
                mine.Add(single);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());

        byte[][] all = [.. sealedMessages.SelectMany(m => m).OrderBy(m => BinaryPrimitives.ReadUInt64LittleEndian(m.AsSpan(8)))];
        Assert.Equal(Threads * Rounds * 4, all.Length);
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal((ulong)i, BinaryPrimitives.ReadUInt64LittleEndian(all[i].AsSpan(8)));
            Assert.Equal(OpenResult.Opened, receiver.Open(all[i], Now, out _));
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_sendCounter")]
    private static extern ref ulong Counter(TransportKeypair keys);

    private static TransportKeypair Sender() => new(There, Back, 1, 2, true, 0, RejectAt);

    private static TransportKeypair Receiver() => new(Back, There, 2, 1, false, 0, RejectAt);

    private static byte[] Beyond(TransportAead cipher, ulong counter)
    {
        byte[] datagram = new byte[16 + 30 + 16];
        datagram[0] = WireGuardMessage.Transport;
        BinaryPrimitives.WriteUInt32LittleEndian(datagram.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt64LittleEndian(datagram.AsSpan(8), counter);
        cipher.Seal(counter, datagram.AsSpan(16, 30), datagram.AsSpan(46));
        return datagram;
    }

    private static OpenResult[] OpenBothWays(byte[][] wire, TransportKeypair batches, TransportKeypair singles)
    {
        byte[] buffer = [.. wire.SelectMany(d => d)];
        var packets = new AeadPacket[wire.Length];
        int at = 0;
        for (int i = 0; i < wire.Length; i++)
        {
            packets[i] = new AeadPacket(at + 16, wire[i].Length - 32, 0);
            at += wire[i].Length;
        }

        OpenResult[] results = new OpenResult[wire.Length + 1];
        batches.OpenBatch(buffer, packets, results, Now);
        for (int i = 0; i < wire.Length; i++)
        {
            byte[] single = [.. wire[i]];
            Assert.Equal(singles.Open(single, Now, out int length), results[i]);
            if (results[i] == OpenResult.Opened)
            {
                Assert.Equal(length, packets[i].Length);
                Assert.Equal(single.AsSpan(16, length), buffer.AsSpan(packets[i].Offset, length));
            }
        }

        return results[..wire.Length];
    }

    private byte[] Forged(byte[] datagram)
    {
        byte[] forged = [.. datagram];
        forged[16 + _random.Next(forged.Length - 16)] ^= (byte)(1 << _random.Next(8));
        return forged;
    }

    private int[] Lengths() => [.. Enumerable.Range(0, _random.Next(1, 40)).Select(_ => _random.Next(5) == 0 ? 0 : _random.Next(1500))];

    /// <summary>Random plaintexts with room for header and tag, and a gap between.</summary>
    private byte[] Plain(int[] lengths, out AeadPacket[] packets)
    {
        packets = new AeadPacket[lengths.Length];
        byte[] buffer = new byte[lengths.Sum(l => l + 32 + 3)];
        _random.NextBytes(buffer);
        int at = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            packets[i] = new AeadPacket(at + 16, lengths[i], 0);
            at += lengths[i] + 32 + 3;
        }

        return buffer;
    }
}
