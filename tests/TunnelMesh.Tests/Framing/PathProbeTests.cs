using TunnelMesh.Protocol.Framing;

namespace TunnelMesh.Tests.Framing;

public class PathProbeTests
{
    [Theory]
    [InlineData(12)]
    [InlineData(1420)]
    public void An_echo_returns_the_challenge_at_the_same_size(int size)
    {
        byte[] message = new byte[size];
        PathProbe.WriteProbe(message, 0x0102030405060708);
        Assert.True(PathProbe.IsControl(message));
        Assert.Equal([1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], message[..12]);
        Assert.False(PathProbe.TryReadEcho(message, out _));
        Assert.True(PathProbe.TryMakeEcho(message));
        Assert.True(PathProbe.TryReadEcho(message, out ulong challenge));
        Assert.Equal(0x0102030405060708UL, challenge);
        Assert.False(PathProbe.TryMakeEcho(message));
    }

    [Fact]
    public void Packets_and_short_messages_are_no_probes()
    {
        Assert.False(PathProbe.IsControl([0x45]));
        Assert.False(PathProbe.IsControl([0x60]));
        Assert.False(PathProbe.IsControl([]));
        Assert.False(PathProbe.TryMakeEcho(new byte[] { 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7 }));
        Assert.False(PathProbe.TryReadEcho([2, 0, 0], out _));
    }
}
