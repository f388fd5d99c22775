using System.Net;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Tests.ProtocolFilter;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>What enters and leaves the mesh: a user on the left (10.42.0.1), an exit on the right (10.42.0.200).</summary>
public sealed class ExitTrafficTests
{
    private const string User = "10.42.0.1", Server = "10.42.0.200", Site = "203.0.113.80", Site6 = "2001:db8:80::80", User6 = "fd00::1";
    private static readonly IPNetwork[] Mesh = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd00::/48")];
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private (TrainSide User, TrainSide Exit) Pair(bool allowed = true, Func<TimeProvider, PacketFilter>? filter = null, Func<TimeProvider, PacketFilter>? exitFilter = null, int exitMtu = 1400)
    {
        TrainSide left = new(_time, 1, filter: filter?.Invoke(_time), exit: new ExitTraffic(false, Mesh));
        TrainSide right = new(_time, 200, exitMtu, filter: exitFilter?.Invoke(_time), exit: new ExitTraffic(allowed, Mesh));
        PeerSpec spec = right.Spec;
        left.Engine.SetPeers([spec with { Exit = true, AllowedPrefixes = [.. spec.AllowedPrefixes, .. ExitTraffic.Prefixes] }]);
        right.Engine.SetPeers([left.Spec]);
        Send(left, right, FilterBytes.Udp(User, Server, 9, 9));
        right.Tun.Writes.Clear();
        return (left, right);
    }

    private static void Send(TrainSide from, TrainSide to, byte[] packet)
    {
        from.Engine.HandlePacket(packet);
        while (from.Sent.Count + to.Sent.Count > 0)
        {
            TrainPair.Carry(from, to);
            TrainPair.Carry(to, from);
        }
    }

    [Theory]
    [InlineData("203.0.113.80", true)]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("100.128.0.1", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.251", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("2001:db8::1", true)]
    [InlineData("64:ff9b::8.8.8.8", true)]
    [InlineData("64:ff9b::192.168.1.1", false)]
    [InlineData("64:ff9b::168.63.129.16", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("168.63.129.17", true)]
    [InlineData("64:ff9b:1::1", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("ff02::1", false)]
    public void Only_public_addresses_are_outside(string address, bool outside) => Assert.Equal(outside, ExitTraffic.IsPublic(IPAddress.Parse(address).GetAddressBytes()));

    [Fact]
    public void The_user_sends_what_the_exit_takes()
    {
        ExitTraffic exit = new(true, Mesh);
        RouteTable<string> table = new([.. ExitTraffic.Prefixes.Select(p => KeyValuePair.Create(p, (string?)"exit")), .. exit.Holes.Select(p => KeyValuePair.Create(p, (string?)null))]);
        IPNetwork[] edges = [.. exit.Holes, .. ExitTraffic.Prefixes];
        Gen<byte[]> near = Gen.OneOf(Gen.Byte.Array[4], Gen.Byte.Array[16], Gen.Select(Gen.Int[0, edges.Length - 1], Gen.Byte).Select((i, b) =>
        {
            byte[] bytes = edges[i].BaseAddress.GetAddressBytes();
            bytes[Math.Min(edges[i].PrefixLength / 8, bytes.Length - 1)] ^= b;
            return bytes;
        }));
        near.Sample(a => (table.Find(a) is not null) == (ExitTraffic.IsPublic(a) && !exit.IsMesh(a)));
    }

    [Fact]
    public void An_exit_lets_public_destinations_out_and_nothing_else()
    {
        (TrainSide user, TrainSide exit) = Pair();
        Send(user, exit, FilterBytes.Udp(User, Site, 1000, 53));
        Send(user, exit, FilterBytes.Udp(User6, Site6, 1000, 53));
        Assert.Equal(2, exit.Tun.Writes.Count);
        Assert.Equal((2L, 2L), (exit.Engine.Counters.OutPackets, user.Engine.Counters.OutPackets));
        // What no honest peer sends: past its own table, to the exit's network and to other devices.
        TrainSide liar = user;
        liar.Engine.SetPeers([exit.Spec with { AllowedPrefixes = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")] }]);
        foreach (string target in new[] { "192.168.1.1", "127.0.0.1", "10.42.0.9", "169.254.169.254" })
        {
            Send(liar, exit, FilterBytes.Udp(User, target, 1000, 53));
        }

        Send(liar, exit, FilterBytes.Udp("10.42.0.9", Site, 1000, 53));
        Assert.Equal(2, exit.Tun.Writes.Count);
        Assert.Equal((4L, 1L), (exit.Engine.Counters[DropReason.BadDestination], exit.Engine.Counters[DropReason.BadSource]));
    }

    [Fact]
    public void An_exit_takes_nothing_for_its_own_addresses_whatever_its_kernel_would_do()
    {
        ExitTraffic own = new(true, Mesh);
        own.SetOwn([IPAddress.Parse("192.168.1.5"), IPAddress.Parse(Site), IPAddress.Parse(Site6)]);
        TrainSide exit = new(_time, 200, exit: own), user = new(_time, 1, exit: new ExitTraffic(false, Mesh));
        user.Engine.SetPeers([exit.Spec with { Exit = true, AllowedPrefixes = [.. exit.Spec.AllowedPrefixes, .. ExitTraffic.Prefixes] }]);
        exit.Engine.SetPeers([user.Spec]);
        Send(user, exit, FilterBytes.Udp(User, Server, 9, 9));
        exit.Tun.Writes.Clear();
        Send(user, exit, FilterBytes.Udp(User, Site, 1000, 53));
        Send(user, exit, FilterBytes.Udp(User6, Site6, 1000, 53));
        Assert.Empty(exit.Tun.Writes);
        Assert.Equal(2, exit.Engine.Counters[DropReason.BadDestination]);
        own.SetOwn([IPAddress.Parse(Site)]);
        Send(user, exit, FilterBytes.Udp(User, "203.0.113.81", 1000, 53));
        Send(user, exit, FilterBytes.Udp(User6, Site6, 1000, 53));
        Assert.Equal(2, exit.Tun.Writes.Count);
    }

    [Fact]
    public void A_device_that_is_no_exit_lets_nothing_out()
    {
        (TrainSide user, TrainSide exit) = Pair(allowed: false);
        Send(user, exit, FilterBytes.Udp(User, Site, 1000, 53));
        Assert.Empty(exit.Tun.Writes);
        Assert.Equal(1, exit.Engine.Counters[DropReason.BadDestination]);
    }

    [Fact]
    public void Only_the_chosen_exit_may_send_from_outside_and_never_from_inside()
    {
        (TrainSide user, TrainSide exit) = Pair();
        Send(exit, user, FilterBytes.Udp(Site, User, 53, 1000));
        Send(exit, user, FilterBytes.Udp(Site6, User6, 53, 1000));
        Assert.Equal(2, user.Tun.Writes.Count);
        foreach (string source in new[] { "10.42.0.9", "192.168.1.1", "127.0.0.1", User })
        {
            Send(exit, user, FilterBytes.Udp(source, User, 53, 1000));
        }

        Assert.Equal(2, user.Tun.Writes.Count);
        Assert.Equal(4, user.Engine.Counters[DropReason.BadSource]);
        user.Engine.SetPeers([exit.Spec]);
        Send(exit, user, FilterBytes.Udp(Site, User, 53, 1000));
        Assert.Equal(5, user.Engine.Counters[DropReason.BadSource]);
        user.Tun.Writes.Clear();
        user.Engine.HandlePacket(FilterBytes.Udp(User, Site, 1000, 53));
        Assert.Equal(1, user.Engine.Counters[DropReason.NoRoute]);
    }

    [Fact]
    public void Answers_from_outside_pass_the_users_filter_and_nothing_else_does()
    {
        (TrainSide user, TrainSide exit) = Pair(filter: time => new PacketFilter(time));
        Send(exit, user, FilterBytes.Udp(Site, User, 53, 1000));
        Assert.Empty(user.Tun.Writes);
        Send(user, exit, FilterBytes.Udp(User, Site, 1000, 53));
        Send(exit, user, FilterBytes.Udp(Site, User, 53, 1000));
        Send(exit, user, FilterBytes.Udp("203.0.113.81", User, 53, 1000));
        Assert.Single(user.Tun.Writes);
    }

    [Fact]
    public void Exit_traffic_has_its_own_rule_and_takes_no_room_in_the_exits_table_of_flows()
    {
        PacketFilter? filter = null;
        (TrainSide user, TrainSide exit) = Pair(exitFilter: time => filter = new PacketFilter(time));
        Send(user, exit, FilterBytes.Udp(User, Site, 1000, 53));
        Assert.Single(exit.Tun.Writes);
        Send(exit, user, FilterBytes.Udp(Site, User, 53, 1000));
        Assert.Single(user.Tun.Writes);
        Assert.Equal(0, filter!.Flows.Kept);
    }

    [Fact]
    public void A_connection_that_leaves_is_told_the_mtu_of_the_exits_interface()
    {
        (TrainSide user, TrainSide exit) = Pair(exitMtu: 1300);
        byte[] syn = FilterBytes.Tcp(User, Site, 40000, 443, FilterBytes.Syn, 4);
        // A header of 24 bytes with the option MSS 1360.
        syn[32] = 6 << 4;
        (syn[40], syn[41], syn[42], syn[43]) = (2, 4, 1360 >> 8, 1360 & 255);
        Send(user, exit, syn);
        byte[] got = Assert.Single(exit.Tun.Writes).Packet;
        Assert.Equal(1260, (got[42] << 8) | got[43]);
    }
}
