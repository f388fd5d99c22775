using System.Net;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Tests.Packets;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Tun;

/// <summary>The device over a real pair of sockets; only what makes a utun socket is not run here.</summary>
public sealed class MacOSTunDeviceTests : IDisposable
{
    private static readonly byte[] Inet = [0, 0, 0, 2], Inet6 = [0, 0, 0, 30];
    private readonly DatagramPair _pair = new();
    private readonly MacOSTunDevice _tun;
    private readonly byte[] _buffer = new byte[1400];

    public MacOSTunDeviceTests()
    {
        _tun = new MacOSTunDevice(_pair.Device, "utun4", 1400, [new TunAddress(IPAddress.Parse("10.42.0.7"), 16), new TunAddress(IPAddress.Parse("fd00:1::7"), 64)]);
    }

    public void Dispose()
    {
        _tun.Dispose();
        _pair.Dispose();
    }

    [Fact]
    public void The_family_before_a_packet_is_written_and_taken_off()
    {
        byte[] v4 = PacketBytes.V4("10.42.0.7", "10.42.0.9", 17, new byte[100]), v6 = PacketBytes.V6("fd00:1::7", "fd00:1::9", 17, new byte[100]);
        Assert.True(_tun.Write(v4));
        Assert.True(_tun.Write(v6));
        Assert.Equal([.. Inet, .. v4], _pair.KernelReads());
        Assert.Equal([.. Inet6, .. v6], _pair.KernelReads());
        Assert.True(_pair.KernelWrites([.. Inet, .. v4]));
        Assert.True(_pair.KernelWrites([.. Inet6, .. v6]));
        Assert.Equal(v4, _buffer[.._tun.Read(_buffer)]);
        Assert.Equal(v6, _buffer[.._tun.Read(_buffer)]);
        Assert.Equal(0, _tun.Read(_buffer));
    }

    [Fact]
    public void A_batch_is_read_until_nothing_is_left_without_allocation()
    {
        byte[] packet = [.. Inet, .. PacketBytes.V4("10.42.0.7", "10.42.0.9", 17, new byte[1000])];
        Assert.Equal(20, Round(20));
        Assert.Equal(50, Round(50));
        Assert.Equal(0, Allocations.Least(() => Round(50)));

        int Round(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _pair.KernelWrites(packet);
            }

            int read = 0;
            while (_tun.Read(_buffer) == 1020)
            {
                _tun.Write(_buffer.AsSpan(0, 1020));
                read++;
            }

            while (_pair.KernelReadsInto(_buffer) > 0)
            {
            }

            return read;
        }
    }

    [Theory]
    [InlineData("10.42.0.7")]
    [InlineData("fd00:1::7")]
    public void What_goes_to_this_machine_itself_is_handed_back_and_the_next_packet_read(string own)
    {
        bool v6 = own.Contains(':', StringComparison.Ordinal);
        byte[] self = v6 ? [.. Inet6, .. PacketBytes.V6(own, own, 58, new byte[8])] : [.. Inet, .. PacketBytes.V4(own, own, 1, new byte[8])];
        byte[] other = PacketBytes.V4("10.42.0.7", "10.42.0.9", 17, new byte[8]);
        Assert.True(_pair.KernelWrites(self));
        Assert.True(_pair.KernelWrites([.. Inet, .. other]));
        Assert.Equal(other, _buffer[.._tun.Read(_buffer)]);
        Assert.Equal(self, _pair.KernelReads());
        Assert.Empty(_pair.KernelReads());
    }

    [Fact]
    public void What_is_no_packet_is_neither_written_nor_read()
    {
        Assert.False(_tun.Write([]));
        Assert.False(_tun.Write([0x50, 1, 2, 3]));
        Assert.Empty(_pair.KernelReads());
        Assert.True(_pair.KernelWrites(Inet));
        Assert.True(_pair.KernelWrites([0, 0]));
        Assert.True(_pair.KernelWrites([.. Inet, 0x45]));
        Assert.Equal(1, _tun.Read(_buffer));
        Assert.Equal(0, _tun.Read(_buffer));
    }

    [Fact]
    public void A_full_queue_refuses_the_packet_instead_of_waiting()
    {
        byte[] packet = PacketBytes.V4("10.42.0.7", "10.42.0.9", 17, new byte[1300]);
        int written = 0;
        while (written < 100_000 && _tun.Write(packet))
        {
            written++;
        }

        Assert.InRange(written, 10, 99_999);
        Assert.Equal([.. Inet, .. packet], _pair.KernelReads());
    }

    [Fact]
    public void An_interface_that_the_system_took_away_is_said_to_be_gone()
    {
        _pair.Kernel.Dispose();
        Assert.Equal(TunError.Gone, Assert.Throws<TunException>(() => _tun.Read(_buffer)).Error);
    }

    [Theory]
    [InlineData(1, TunError.NotPermitted, "sudo")]
    [InlineData(13, TunError.NotPermitted, "sudo")]
    [InlineData(16, TunError.NameInUse, "utun9 exists already")]
    [InlineData(2, TunError.NoDriver, "com.apple.net.utun_control")]
    [InlineData(12, TunError.Failed, "errno 12")]
    public void Why_there_is_no_interface_is_told_with_what_to_do(int errno, TunError error, string words)
    {
        TunException e = MacOSTunDevice.ConnectFailed("utun9", errno);
        Assert.Equal(error, e.Error);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }
}
