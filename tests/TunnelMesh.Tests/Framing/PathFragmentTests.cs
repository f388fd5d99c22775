using System.Security.Cryptography;
using TunnelMesh.Protocol.Framing;

namespace TunnelMesh.Tests.Framing;

public sealed class PathFragmentTests
{
    [Fact]
    public void A_part_is_read_as_it_was_written()
    {
        byte[] packet = RandomNumberGenerator.GetBytes(1280);
        byte[] bytes = new byte[1400];
        int length = PathFragment.Write(bytes, 0xfffe, packet, 700, 580);
        Assert.True(PathProbe.IsControl(bytes));
        Assert.True(PathFragment.TryRead(bytes.AsSpan(0, length), out ushort number, out int total, out int offset, out ReadOnlySpan<byte> part));
        Assert.Equal((0xfffe, 1280, 700), (number, total, offset));
        Assert.Equal(packet[700..], part.ToArray());
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 3, 0, 0, 1, 5, 0, 0, 0 })]
    [InlineData(new byte[] { 2, 0, 0, 1, 5, 0, 0, 0, 9 })]
    [InlineData(new byte[] { 3, 0, 0, 1, 0, 1, 0, 1, 9 })]
    [InlineData(new byte[] { 3, 0, 0, 1, 0, 1, 255, 255, 9 })]
    public void What_is_no_part_or_does_not_fit_its_packet_is_refused(byte[] bytes) => Assert.False(PathFragment.TryRead(bytes, out _, out _, out _, out _));
}
