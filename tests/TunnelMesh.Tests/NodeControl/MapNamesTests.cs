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
}
