using System.Buffers;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Tests.RelayFrames;

public sealed class RelayQueueTests
{
    private readonly RelayQueue _queue = new();

    [Fact]
    public void Datagrams_of_one_device_and_size_join_and_everything_comes_out_in_order()
    {
        _queue.Add(1, Bytes(100, 1), 100);
        _queue.Add(1, Bytes(200, 2), 100);
        _queue.Add(1, Bytes(150, 3), 100);
        _queue.Add(1, Bytes(100, 4), 100);
        _queue.Add(2, Bytes(100, 5), 100);
        _queue.Add(2, Bytes(90, 6), 90);
        Assert.Equal(4, _queue.Count);
        // A shorter one ends its message.
        Expect(1, 100, [.. Bytes(100, 1), .. Bytes(200, 2), .. Bytes(150, 3)]);
        Expect(1, 100, Bytes(100, 4));
        Expect(2, 100, Bytes(100, 5));
        Expect(2, 90, Bytes(90, 6));
        Assert.False(_queue.TryTake(out _));
        Assert.Equal(0, _queue.Bytes);
    }

    [Fact]
    public void A_message_never_grows_beyond_its_limit()
    {
        for (int i = 0; i < 100; i++)
        {
            _queue.Add(1, Bytes(1420, (byte)i), 1420);
        }
        Assert.Equal(3, _queue.Count);
        int seen = 0;
        while (_queue.TryTake(out RelayBuffer message))
        {
            Assert.InRange(message.Length, 1, RelayFrame.MaxBytes);
            Assert.Equal(RelayFrameKind.Datagrams, RelayFrame.Read(message.Message.Span));
            for (int at = 20; at < message.Length; at += 1420)
            {
                Assert.Equal((byte)seen++, message.Array[at]);
            }
            message.Return();
        }
        Assert.Equal(100, seen);
    }

    [Fact]
    public void A_full_array_is_kept_and_one_that_is_mostly_empty_is_copied()
    {
        RelayBuffer large = Rented(40_000), small = Rented(100);
        Assert.True(_queue.Add(large));
        Assert.Equal(large.Array.Length, _queue.Bytes);
        Assert.False(_queue.Add(small));
        small.Array.AsSpan().Fill(0xee);
        Assert.True(_queue.TryTake(out RelayBuffer first));
        Assert.Same(large.Array, first.Array);
        Expect(7, 100, new byte[100]);
        Assert.Equal(0, _queue.Bytes);
    }

    [Fact]
    public void Many_more_messages_than_before_keep_their_order()
    {
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 1000; i++)
            {
                _queue.Add((UInt128)i, Bytes(40, (byte)i), 40);
            }
            for (int i = 0; i < 1000; i++)
            {
                Expect((UInt128)i, 40, Bytes(40, (byte)i));
            }
        }
    }

    private static byte[] Bytes(int length, byte value)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static RelayBuffer Rented(int bytes)
    {
        byte[] array = ArrayPool<byte>.Shared.Rent(64 * 1024);
        array.AsSpan(0, bytes + 20).Clear();
        RelayFrame.WriteHeader(array, 7, bytes);
        return new RelayBuffer(array, bytes + 20);
    }

    private void Expect(UInt128 device, int size, byte[] datagrams)
    {
        Assert.True(_queue.TryTake(out RelayBuffer message));
        Assert.Equal(device, RelayFrame.Device(message.Array));
        Assert.Equal(size, RelayFrame.SegmentSize(message.Array));
        Assert.Equal(datagrams, message.Message[20..].ToArray());
        Assert.Equal((datagrams.Length + size - 1) / size, message.Datagrams);
        message.Return();
    }
}
