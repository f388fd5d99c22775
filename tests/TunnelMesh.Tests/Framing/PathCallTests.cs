using TunnelMesh.Protocol.Framing;

namespace TunnelMesh.Tests.Framing;

public sealed class PathCallTests
{
    [Fact]
    public void A_call_is_read_as_it_was_written_and_is_nothing_else()
    {
        byte[] bytes = [9, 9, 9, 9, 9];
        PathCall.Write(bytes);
        Assert.Equal([4, 0, 0, 0, 9], bytes);
        Assert.True(PathCall.Is(bytes));
        Assert.True(PathProbe.IsControl(bytes));
        Assert.False(PathProbe.TryReadEcho(bytes, out _));
        Assert.False(PathFragment.TryRead(bytes, out _, out _, out _, out _));
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 4, 0, 0 })]
    [InlineData(new byte[] { 5, 0, 0, 0 })]
    public void Other_messages_are_no_calls(byte[] bytes) => Assert.False(PathCall.Is(bytes));
}
