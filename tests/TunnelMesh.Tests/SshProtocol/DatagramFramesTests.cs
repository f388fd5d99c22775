using CsCheck;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

public sealed class DatagramFramesTests
{
    [Fact]
    public void What_is_put_in_comes_out_in_order() => Gen.Int.Sample(seed =>
    {
        Random random = new(seed);
        byte[] data = new byte[SshPacket.MaxData];
        List<byte[]> sent = [], received = [];
        int length = 0, lastFrame = -1;
        while (true)
        {
            int size = random.Next(3) == 0 ? 1420 : 1 + random.Next(3000);
            byte[] train = new byte[random.Next(3) == 0 ? 1 + random.Next(size) : (size * random.Next(5)) + 1 + random.Next(size)];
            random.NextBytes(train);
            int before = length;
            if (!DatagramFrames.TryAppend(data, ref length, ref lastFrame, train, size))
            {
                Assert.Equal(before, length);
                break;
            }
            sent.AddRange(train.Chunk(size));
        }
        ReadOnlySpan<byte> rest = data.AsSpan(0, length);
        while (DatagramFrames.TryTake(ref rest, out ReadOnlySpan<byte> datagrams, out int size))
        {
            received.AddRange(datagrams.ToArray().Chunk(size));
        }
        Assert.True(rest.IsEmpty);
        Assert.Equal(sent, received);
    }, iter: 200);

    [Fact]
    public void Datagrams_of_one_size_share_a_frame()
    {
        byte[] data = new byte[1000];
        int length = 0, lastFrame = -1;
        foreach (int size in new[] { 100, 100, 100, 40, 100 })
        {
            Assert.True(DatagramFrames.TryAppend(data, ref length, ref lastFrame, new byte[size], size));
        }
        Assert.Equal((2 * DatagramFrames.HeaderBytes) + 440, length);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 1, 9 })]
    [InlineData(new byte[] { 0, 2, 0, 1, 9, 9 })]
    [InlineData(new byte[] { 0, 1, 0, 2, 9 })]
    [InlineData(new byte[] { 0, 1, 0, 0 })]
    [InlineData(new byte[] { 0, 1, 0 })]
    public void Unsound_frames_are_not_taken(byte[] frame)
    {
        ReadOnlySpan<byte> data = frame;
        Assert.False(DatagramFrames.TryTake(ref data, out _, out _));
        Assert.False(data.IsEmpty);
    }
}
