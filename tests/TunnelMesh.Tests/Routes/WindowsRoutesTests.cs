using System.Net;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.Routes;

/// <summary>Sizes and offsets are those that a C compiler gives netioapi.h and ws2ipdef.h for x86-64 (mingw-w64); arm64 has the same types and alignments.</summary>
public unsafe class WindowsRoutesTests
{
    [Fact]
    public void Rows_are_as_long_as_the_system_makes_them()
    {
        Assert.Equal(28, sizeof(InetName));
        Assert.Equal(80, sizeof(UnicastRow));
        Assert.Equal(104, sizeof(ForwardRow));
        Assert.Equal(168, sizeof(InterfaceRow));
    }

    [Theory]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.Address), 0)]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.Luid), 32)]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.ValidLifetime), 52)]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.PreferredLifetime), 56)]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.OnLinkPrefixLength), 60)]
    [InlineData(nameof(UnicastRow), nameof(UnicastRow.DadState), 64)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.Luid), 0)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.Index), 8)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.Destination), 12)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.PrefixLength), 40)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.NextHop), 44)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.Metric), 84)]
    [InlineData(nameof(ForwardRow), nameof(ForwardRow.Loopback), 92)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.Family), 0)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.Luid), 8)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.ManagedAddressConfigurationSupported), 46)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.OtherStatefulConfigurationSupported), 47)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.RouterDiscoveryBehavior), 52)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.DadTransmits), 56)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.SitePrefixLength), 144)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.Metric), 148)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.Mtu), 152)]
    [InlineData(nameof(InterfaceRow), nameof(InterfaceRow.Connected), 156)]
    public void Fields_lie_where_the_system_looks_for_them(string row, string field, int offset)
    {
        Type type = row switch { nameof(UnicastRow) => typeof(UnicastRow), nameof(ForwardRow) => typeof(ForwardRow), _ => typeof(InterfaceRow) };
        Assert.Equal(offset, (int)Marshal.OffsetOf(type, field));
    }

    [Theory]
    [InlineData("10.42.0.7", "020000000a2a00070000000000000000000000000000000000000000")]
    [InlineData("fd00::7", "1700000000000000fd00000000000000000000000000000700000000")]
    public void Addresses_are_written_and_read_as_the_system_does(string address, string bytes)
    {
        InetName name = InetName.Of(IPAddress.Parse(address));
        Assert.Equal(bytes, Convert.ToHexStringLower(MemoryMarshal.AsBytes(new ReadOnlySpan<InetName>(in name))));
        Assert.Equal(IPAddress.Parse(address), name.Address);
    }

    [Fact]
    public void The_table_is_read_without_what_cannot_collide()
    {
        ForwardRow[] table =
        [
            Row("0.0.0.0", 0, 1),
            Row("192.168.1.77", 24, 1),
            Row("10.8.0.0", 16, 2),
            Row("fd00:1::", 64, 2),
            Row("10.9.0.0", 16, 9),
            Row("10.42.0.7", 32, 1) with { Loopback = 1 },
            Row("127.0.0.0", 8, 1),
            Row("224.0.0.0", 4, 1),
            Row("fe80::", 64, 1),
            Row("ff00::", 8, 1),
            Row("10.1.0.0", 33, 1),
            new ForwardRow { Luid = 1 },
        ];
        string?[] names = [null, "Ethernet", "VPN"];
        Assert.Equal(
            [
                new LocalRoute(IPNetwork.Parse("0.0.0.0/0"), "Ethernet"),
                new LocalRoute(IPNetwork.Parse("192.168.1.0/24"), "Ethernet"),
                new LocalRoute(IPNetwork.Parse("10.8.0.0/16"), "VPN"),
                new LocalRoute(IPNetwork.Parse("fd00:1::/64"), "VPN"),
            ],
            WindowsRoutes.Read(table, luid => luid < 3 ? names[luid] : null));
    }

    [Fact]
    public void The_internet_is_where_the_metrics_of_route_and_interface_are_lowest_together()
    {
        ForwardRow[] table =
        [
            Row("0.0.0.0", 0, 1) with { Index = 11, Metric = 10 },
            Row("0.0.0.0", 0, 2) with { Index = 12, Metric = 25 },
            Row("0.0.0.0", 0, 3) with { Index = 13, Metric = 0 },
            Row("0.0.0.0", 1, 4) with { Index = 14, Metric = 0 },
            Row("::", 0, 1) with { Index = 11, Metric = 300 },
            Row("::", 0, 2) with { Index = 12, Metric = 256 },
        ];
        // The third has no link.
        FakeIpHelper ip = new() { Interface = luid => (luid == 1 ? 50U : 5U, luid != 3) };
        Assert.Equal((12, 12), WindowsRoutes.ReadDefaults(table, ip));
        Assert.Equal((11, 11), WindowsRoutes.ReadDefaults(table, new FakeIpHelper { Interface = luid => (0, luid == 1) }));
        Assert.Equal((0, 0), WindowsRoutes.ReadDefaults(table.AsSpan(3, 1), ip));
    }

    private static ForwardRow Row(string prefix, byte length, ulong luid) =>
        new() { Luid = luid, Destination = InetName.Of(IPAddress.Parse(prefix)), PrefixLength = length };
}
