using System.Net;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Tests.Tun;

public class WindowsTunDeviceTests
{
    private static readonly TunOptions Options = new() { Name = "tun-mesh0", Mtu = 1400, Addresses = [new TunAddress(IPAddress.Parse("10.42.0.7"), 16)] };

    [Fact]
    public void The_adapter_is_made_used_and_removed()
    {
        using FakeWintun wintun = new();
        using (WindowsTunDevice tun = Open(wintun, new FakeIpHelper { Alias = "tun-mesh0 2" }))
        {
            Assert.Equal("tun-mesh0 2", tun.Name);
            Assert.Equal((1, 1, 0), wintun.Open);
            tun.Dispose();
        }

        Assert.Equal((0, 0, 0), wintun.Open);
        Assert.Equal([$"tun-mesh0 TunnelMesh {WindowsTunDevice.IdOf("tun-mesh0")}"], wintun.Made);
    }

    [Fact]
    public void Packets_are_read_in_their_own_place_until_none_is_left_and_given_back_by_then()
    {
        using FakeWintun wintun = new();
        using WindowsTunDevice tun = Open(wintun);
        Assert.True(tun.MayHaveMore, "what came before anybody looked may have set no event");
        for (byte i = 1; i <= 100; i++)
        {
            wintun.Arrive(new byte[] { i, i });
        }

        for (byte i = 1; i <= 100; i++)
        {
            Assert.Equal([i, i], tun.TakeFrame([], out VirtioNetHeader header));
            Assert.Equal(default, header);
            Assert.True(tun.MayHaveMore);
            Assert.Equal(101 - i, wintun.Open.Packets);
        }

        Assert.True(tun.TakeFrame([], out _).IsEmpty);
        Assert.Equal(0, wintun.Open.Packets);
        Assert.False(tun.MayHaveMore);
    }

    [Fact]
    public void Reading_copies_and_passes_over_what_does_not_fit_or_is_empty()
    {
        using FakeWintun wintun = new();
        using WindowsTunDevice tun = Open(wintun);
        byte[] buffer = new byte[4];
        wintun.Arrive([1, 2, 3, 4]);
        wintun.Arrive([1, 2, 3, 4, 5]);
        wintun.Arrive([]);
        wintun.Arrive([6]);
        Assert.Equal(4, tun.Read(buffer));
        Assert.Equal([1, 2, 3, 4], buffer);
        Assert.Equal(1, tun.Read(buffer));
        Assert.Equal(6, buffer[0]);
        Assert.Equal(0, tun.Read(buffer));
    }

    [Fact]
    public void A_packet_is_written_whole_or_refused()
    {
        using FakeWintun wintun = new() { Room = 2 };
        using WindowsTunDevice tun = Open(wintun);
        Assert.False(tun.Write([]));
        Assert.False(tun.Write(new byte[65536]));
        Assert.True(tun.Write([1, 2, 3]));
        Assert.True(tun.Write(new byte[65535]));
        Assert.False(tun.Write([4]));
        Assert.Equal([3, 65535], wintun.Written.Select(p => p.Length));
    }

    [Fact]
    public void A_packet_in_hand_outlives_the_device_it_came_from()
    {
        using FakeWintun wintun = new();
        WindowsTunDevice tun = Open(wintun);
        wintun.Arrive([1]);
        _ = tun.TakeFrame([], out _);
        tun.Dispose();
        Assert.Equal((0, 0, 0), wintun.Open);
        Assert.Throws<ObjectDisposedException>(() => tun.Write([1]));
        Assert.Throws<ObjectDisposedException>(() => tun.Read(new byte[10]));
    }

    [Theory]
    [InlineData(38, TunError.Gone)]
    [InlineData(13, TunError.Failed)]
    public void A_ring_that_ends_is_told_and_not_taken_for_an_empty_one(int error, TunError expected)
    {
        using FakeWintun wintun = new();
        using WindowsTunDevice tun = Open(wintun);
        wintun.Errors["Receive"] = error;
        Assert.Equal(expected, Assert.Throws<TunException>(() => tun.Read(new byte[10])).Error);
    }

    [Theory]
    [InlineData("CreateAdapter", 5, TunError.NotPermitted, "Run as administrator")]
    [InlineData("CreateAdapter", 183, TunError.NameInUse, "tun-mesh0 exists already")]
    [InlineData("CreateAdapter", 1460, TunError.Failed, "error 1460")]
    [InlineData("StartSession", 247, TunError.Failed, "open the interface tun-mesh0")]
    public void What_the_driver_refuses_is_told_and_nothing_stays_behind(string call, int error, TunError expected, string words)
    {
        using FakeWintun wintun = new() { Errors = { [call] = error } };
        TunException e = Assert.Throws<TunException>(() => Open(wintun));
        Assert.Equal(expected, e.Error);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), wintun.Open);
    }

    [Fact]
    public void A_system_that_refuses_the_address_leaves_no_adapter_behind()
    {
        using FakeWintun wintun = new();
        Assert.Throws<TunException>(() => Open(wintun, new FakeIpHelper { Answer = l => l.StartsWith("address", StringComparison.Ordinal) ? 87 : 0 }));
        Assert.Equal((0, 0, 0), wintun.Open);
    }

    [Fact]
    public void A_name_that_is_taken_is_not_asked_for()
    {
        using FakeWintun wintun = new();
        Assert.Equal(TunError.NameInUse, Assert.Throws<TunException>(() => Open(wintun, new FakeIpHelper { Names = { "tun-mesh0" } })).Error);
        Assert.Empty(wintun.Made);
    }

    [Fact]
    public void An_adapter_keeps_its_number_and_no_two_names_share_one()
    {
        Guid id = WindowsTunDevice.IdOf("tun-mesh0");
        Assert.Equal(id, WindowsTunDevice.IdOf("tun-mesh0"));
        Assert.NotEqual(id, WindowsTunDevice.IdOf("tun-mesh1"));
        Assert.Equal((8, 8), (id.Version, id.Variant & 0xc));
    }

    private static WindowsTunDevice Open(FakeWintun wintun, FakeIpHelper? ip = null) =>
        WindowsTunDevice.Open(Options, wintun, ip ?? new FakeIpHelper(), _ => Assert.Fail("nothing to wait for"));
}
