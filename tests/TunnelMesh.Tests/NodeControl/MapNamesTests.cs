using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class MapNamesTests
{
    private static readonly NetworkMap Map = NetworkMap.FromFull(
        NetworkMapTests.Full(
            NetworkMapTests.Device("hub2", 9) with { Coordinator = true },
            NetworkMapTests.Device("hub", 1) with { Coordinator = true },
            NetworkMapTests.Device("laptop", 2) with { Aliases = ["work"] }),
        new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch).Map;

    [Theory]
    [InlineData("laptop", "laptop")]
    [InlineData("LAPTOP", "laptop")]
    [InlineData("laptop.tunnelmesh", "laptop")]
    [InlineData("laptop.mesh.", "laptop")]
    [InlineData("laptop.tm", "laptop")]
    [InlineData("work.tm", "laptop")]
    [InlineData("this.tm", "hub,hub2")]
    [InlineData("this", "hub,hub2")]
    [InlineData("laptop.example", "")]
    [InlineData("nobody", "")]
    [InlineData("", "")]
    [InlineData(".tm", "")]
    public void Names_are_understood_as_people_write_them(string text, string expected) =>
        Assert.Equal(expected, string.Join(',', MapNames.Find(Map, text, out _).Select(d => d.Name)));

    [Theory]
    [InlineData("laptop.mesh", "laptop")]
    [InlineData("10.42.0.2", "laptop")]
    [InlineData("10.42.0.3", null)]
    [InlineData("nobody", null)]
    [InlineData("", null)]
    public void One_device_is_found_by_name_or_address(string text, string? expected) => Assert.Equal(expected, MapNames.FindDevice(Map, text, "")?.Name);

    [Fact]
    public void An_ID_counts_before_a_name_and_the_own_device_comes_last()
    {
        MapEntry hub = Map.ByName["hub"], laptop = Map.ByName["laptop"];
        Assert.Same(laptop, MapNames.FindDevice(Map, laptop.Id.ToUpperInvariant(), ""));
        Assert.Same(laptop, MapNames.FindDevice(Map, laptop.Ip6.ToString(), ""));
        Assert.Equal("hub2", MapNames.FindDevice(Map, "this", hub.Id)?.Name);
        Assert.Same(hub, MapNames.FindDevice(Map, "this", ""));
        NetworkMap taken = NetworkMap.FromFull(
            NetworkMapTests.Full(laptop.Wire, NetworkMapTests.Device(laptop.Id, 3)),
            new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch).Map;
        Assert.Equal(2, taken.Devices.Count);
        Assert.Equal("laptop", MapNames.FindDevice(taken, laptop.Id, "")?.Name);
    }
}
