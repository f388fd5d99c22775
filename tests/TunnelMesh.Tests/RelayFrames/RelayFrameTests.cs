using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Tests.RelayFrames;

public sealed class RelayFrameTests
{
    private static readonly UInt128 Device = UInt128.Parse("0102030405060708090a0b0c0d0e0f10", System.Globalization.NumberStyles.HexNumber, null);

    [Fact]
    public void A_message_of_datagrams_lies_on_the_wire_as_documented()
    {
        byte[] message = new byte[20 + 100];
        RelayFrame.WriteHeader(message, Device, 60);
        Assert.Equal("0101003c" + "0102030405060708090a0b0c0d0e0f10", Convert.ToHexStringLower(message.AsSpan(0, 20)));
        Assert.Equal(RelayFrameKind.Datagrams, RelayFrame.Read(message));
        Assert.Equal(60, RelayFrame.SegmentSize(message));
        Assert.Equal(Device, RelayFrame.Device(message));
        Assert.Equal(2, RelayFrame.Count(100, 60));
    }

    [Fact]
    public void Heartbeats_and_notices_lie_on_the_wire_as_documented()
    {
        byte[] message = new byte[20];
        Assert.Equal(12, RelayFrame.WriteEcho(message, RelayFrameKind.Pong, 0x0807060504030201));
        Assert.Equal("010300000807060504030201", Convert.ToHexStringLower(message.AsSpan(0, 12)));
        Assert.Equal(RelayFrameKind.Pong, RelayFrame.Read(message.AsSpan(0, 12)));
        Assert.Equal(0x0807060504030201u, RelayFrame.Number(message));
        Assert.Equal(20, RelayFrame.WriteNotice(message, RelayFrameKind.NotHere, Device));
        Assert.Equal("01040000" + "0102030405060708090a0b0c0d0e0f10", Convert.ToHexStringLower(message));
        Assert.Equal(RelayFrameKind.NotHere, RelayFrame.Read(message));
    }

    [Theory]
    [InlineData(32, 32, true)]
    [InlineData(65_330, 1420, false)]
    [InlineData(65_320, 1420, true)]
    [InlineData(65_535, 65_535, true)]
    [InlineData(65_536, 1024, false)]
    [InlineData(100, 31, false)]
    [InlineData(100, 0, false)]
    [InlineData(100, 101, false)]
    [InlineData(100, 70, false)]
    [InlineData(102, 70, true)]
    [InlineData(0, 0, false)]
    public void Only_lengths_that_WireGuard_can_have_are_sound(int bytes, int segmentSize, bool sound)
    {
        Assert.Equal(sound, RelayFrame.AreSound(bytes, segmentSize));
        if (segmentSize < 65_536)
        {
            byte[] message = new byte[20 + bytes];
            RelayFrame.WriteHeader(message, Device, segmentSize);
            Assert.Equal(sound ? RelayFrameKind.Datagrams : RelayFrameKind.Damaged, RelayFrame.Read(message));
        }
    }

    [Theory]
    [InlineData("", RelayFrameKind.Damaged)]
    [InlineData("010100", RelayFrameKind.Damaged)]
    [InlineData("01010000", RelayFrameKind.Damaged)]
    [InlineData("0102000000000000000000", RelayFrameKind.Damaged)]
    [InlineData("010200000000000000000000ff", RelayFrameKind.Damaged)]
    [InlineData("01040000", RelayFrameKind.Damaged)]
    [InlineData("01060000", RelayFrameKind.Unknown)]
    [InlineData("01fe0000", RelayFrameKind.Unknown)]
    [InlineData("01000000", RelayFrameKind.Unknown)]
    [InlineData("02010000", RelayFrameKind.OtherVersion)]
    public void What_is_no_message_is_called_by_its_fault(string hex, RelayFrameKind expected) => Assert.Equal(expected, RelayFrame.Read(Convert.FromHexString(hex)));
}
