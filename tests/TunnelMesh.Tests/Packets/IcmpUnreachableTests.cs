using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Packets;

public sealed class IcmpUnreachableTests
{
    private static readonly byte[] Self4 = [10, 42, 0, 1];
    private static readonly byte[] Self6 = [0xfd, .. new byte[14], 1];

    [Theory]
    [InlineData(IcmpUnreachableKind.Network, 0, 0)]
    [InlineData(IcmpUnreachableKind.Host, 1, 3)]
    [InlineData(IcmpUnreachableKind.AdministrativelyProhibited, 13, 1)]
    [InlineData(IcmpUnreachableKind.Port, 3, 4)]
    public void Types_and_codes_and_checksums(IcmpUnreachableKind kind, byte code4, byte code6)
    {
        byte[] about4 = PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[30]);
        byte[] error4 = Build(about4, kind)!;
        Assert.Equal([3, code4], error4[20..22]);
        Assert.Equal(0, InternetChecksum.Compute(error4.AsSpan(0, 20)));
        Assert.Equal(0, InternetChecksum.Compute(error4.AsSpan(20)));
        Assert.Equal(about4, error4[28..]);

        byte[] about6 = PacketBytes.V6("fd00::5", "fd00::9", 17, new byte[31]);
        byte[] error6 = Build(about6, kind)!;
        Assert.Equal([1, code6], error6[40..42]);
        Assert.True(IpPacket.TryParse(error6, out IpPacket packet));
        ulong pseudo = InternetChecksum.AddPseudoHeader(packet.Source, packet.Destination, 58, packet.Transport.Length);
        Assert.Equal(0, InternetChecksum.Finish(InternetChecksum.Add(packet.Transport, pseudo)));
        Assert.Equal(about6, error6[48..]);
    }

    [Fact]
    public void As_much_is_quoted_as_fits()
    {
        Assert.Equal(576, Build(PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[1300]))!.Length);
        Assert.Equal(1280, Build(PacketBytes.V6("fd00::5", "fd00::9", 17, new byte[1300]))!.Length);
        Assert.Equal(60, Build(PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[1300]), room: 60)!.Length);
        Assert.Null(Build(PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[1300]), room: 55));
    }

    [Theory]
    [InlineData("0.0.0.0", "10.42.0.9")]
    [InlineData("127.0.0.1", "10.42.0.9")]
    [InlineData("224.0.0.1", "10.42.0.9")]
    [InlineData("255.255.255.255", "10.42.0.9")]
    [InlineData("10.42.0.5", "224.0.0.251")]
    [InlineData("10.42.0.5", "255.255.255.255")]
    public void Not_about_addresses_that_are_no_host_v4(string source, string destination) =>
        Assert.Null(Build(PacketBytes.V4(source, destination, 17, new byte[8])));

    [Theory]
    [InlineData("::", "fd00::9")]
    [InlineData("::1", "fd00::9")]
    [InlineData("ff02::1", "fd00::9")]
    [InlineData("fd00::5", "ff02::fb")]
    public void Not_about_addresses_that_are_no_host_v6(string source, string destination) =>
        Assert.Null(Build(PacketBytes.V6(source, destination, 17, new byte[8])));

    [Theory]
    [InlineData(1, 8, true)]
    [InlineData(1, 3, false)]
    [InlineData(1, 11, false)]
    [InlineData(58, 128, true)]
    [InlineData(58, 1, false)]
    [InlineData(58, 137, false)]
    public void About_echo_but_not_about_errors(byte protocol, byte type, bool allowed)
    {
        byte[] icmp = [type, 0, 0, 0, 0, 0, 0, 0];
        byte[] about = protocol == 1 ? PacketBytes.V4("10.42.0.5", "10.42.0.9", 1, icmp) : PacketBytes.V6("fd00::5", "fd00::9", 58, icmp);
        Assert.Equal(allowed, Build(about) is not null);
    }

    [Fact]
    public void Not_about_later_fragments_nor_across_versions()
    {
        Assert.Null(Build(PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[8], 1)));
        Assert.True(IpPacket.TryParse(PacketBytes.V4("10.42.0.5", "10.42.0.9", 17, new byte[8]), out IpPacket packet));
        Assert.False(IcmpUnreachable.TryBuild(packet, IcmpUnreachableKind.Host, Self6, new byte[1280], out int length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        byte[] about = PacketBytes.V6("fd00::5", "fd00::9", 17, new byte[1300]);
        byte[] output = new byte[IcmpUnreachable.MaxLengthV6];
        Assert.True(Once(about, output));
        Assert.Equal(0, Allocations.Least(() => Once(about, output)));

        static bool Once(byte[] about, byte[] output) =>
            IpPacket.TryParse(about, out IpPacket packet) && IcmpUnreachable.TryBuild(packet, IcmpUnreachableKind.Host, Self6, output, out _);
    }

    private static byte[]? Build(byte[] about, IcmpUnreachableKind kind = IcmpUnreachableKind.Host, int room = 1280)
    {
        Assert.True(IpPacket.TryParse(about, out IpPacket packet));
        byte[] output = new byte[room];
        return IcmpUnreachable.TryBuild(packet, kind, packet.Version == 4 ? Self4 : Self6, output, out int length) ? output[..length] : null;
    }
}
