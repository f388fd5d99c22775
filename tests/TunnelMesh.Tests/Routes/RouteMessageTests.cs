using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Tests.Routes;

public class RouteMessageTests
{
    // rt_msghdr (net/route.h), sockaddr_in, sockaddr_dl (net/if_dl.h), sockaddr_in: 10.42.0.0/16 into interface 23, sequence 1.
    private const string AddIPv4 =
        "9000" + "05" + "01" + "1700" + "0000" + "01080000" + "07000000" + "00000000" + "01000000" + "00000000" + "00000000" + "00000000"
        + "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "100200000a2a00000000000000000000"
        + "1412170000000000000000000000000000000000"
        + "10020000ffff00000000000000000000";

    [Fact]
    public void A_route_of_IPv4_is_the_header_and_three_addresses() =>
        Assert.Equal(AddIPv4, Convert.ToHexStringLower(RouteMessage.Add(IPNetwork.Parse("10.42.0.0/16"), 23, 1)));

    [Fact]
    public void A_route_of_IPv6_has_its_own_lengths()
    {
        byte[] message = RouteMessage.Add(IPNetwork.Parse("fd00:1:2::/64"), 0x0102, 7);
        Assert.Equal(92 + 28 + 20 + 28, message.Length);
        Assert.Equal(message.Length, BinaryPrimitives.ReadUInt16LittleEndian(message));
        Assert.Equal("1c1e000000000000fd00000100020000000000000000000000000000", Convert.ToHexStringLower(message[92..120]));
        Assert.Equal("14120201", Convert.ToHexStringLower(message[120..124]));
        Assert.Equal("1c1e000000000000ffffffffffffffff000000000000000000000000", Convert.ToHexStringLower(message[140..168]));
    }

    [Fact]
    public void A_route_to_one_host_has_no_mask_and_says_so()
    {
        byte[] message = RouteMessage.Add(IPNetwork.Parse("192.0.2.7/32"), 5, 1);
        Assert.Equal(92 + 16 + 20, message.Length);
        Assert.Equal(0x805, BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(8)));
        Assert.Equal(3, BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(12)));
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.0.0.0/8")]
    [InlineData("10.42.128.0/17")]
    [InlineData("192.0.2.7/32")]
    [InlineData("::/0")]
    [InlineData("fd00:1:2::/48")]
    [InlineData("2001:db8::1/128")]
    public void What_is_added_reads_back_as_the_same_route(string prefix)
    {
        // The table has the same messages under another type.
        byte[] message = RouteMessage.Add(IPNetwork.Parse(prefix), 4, 1);
        message[3] = 4;
        Assert.Equal([new LocalRoute(IPNetwork.Parse(prefix), "en4")], RouteMessage.ReadTable(message, i => $"en{i}"));
    }

    [Fact]
    public void The_table_is_read_as_the_system_writes_it_with_masks_cut_short()
    {
        const string link = "14120100000000000000000000000000" + "00000000", nothing = "00000000";
        byte[] table =
        [
            .. Entry(Up | Static, index: 1, V4("00000000"), link, nothing),
            .. Entry(Up | Cloning, index: 1, V4("c0a80100"), link, "07020000ffffff00"),
            .. Entry(Up | Host, index: 2, V4("c6336401"), link),
            .. Entry(Up | Cloning, index: 3, V6("fd000001000200000000000000000000"), link, "101e000000000000ffffffffffffffff"),

            // A neighbour, a prefix that leads nowhere, the link itself, a group, an interface that has gone: none of these can collide.
            .. Entry(Up | Host | LinkLayer, index: 1, V4("c0a80109"), link),
            .. Entry(Up | Reject, index: 1, V4("0a000000"), V4("7f000001"), "05000000ff000000"),
            .. Entry(Up | Cloning, index: 1, V6("fe800000000000000000000000000000"), link, "101e000000000000ffffffffffffffff"),
            .. Entry(Up | Cloning, index: 1, V4("e0000000"), link, "05000000f0000000"),
            .. Entry(Up | Cloning, index: 9, V4("0a090000"), link, "06020000ffff0000"),
            .. Entry(0, index: 1, V4("0a0a0000"), link, "06020000ffff0000"),
        ];
        string?[] names = [null, "en0", "utun1", "utun2"];
        Assert.Equal(
            [
                new LocalRoute(IPNetwork.Parse("0.0.0.0/0"), "en0"),
                new LocalRoute(IPNetwork.Parse("192.168.1.0/24"), "en0"),
                new LocalRoute(IPNetwork.Parse("198.51.100.1/32"), "utun1"),
                new LocalRoute(IPNetwork.Parse("fd00:1:2::/64"), "utun2"),
            ],
            RouteMessage.ReadTable(table, i => i < names.Length ? names[i] : null));
    }

    [Fact]
    public void No_bytes_make_it_read_beyond_them()
    {
        byte[] whole = RouteMessage.Add(IPNetwork.Parse("fd00:1:2::/64"), 3, 1);
        whole[3] = 4;
        for (int length = 0; length < whole.Length; length++)
        {
            // Cut off, and cut off with a length that fits.
            Assert.Empty(RouteMessage.ReadTable(whole.AsSpan(0, length), _ => "en0"));
            byte[] shorter = whole[..length];
            if (length >= 92)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(shorter, (ushort)length);
            }

            _ = RouteMessage.ReadTable(shorter, _ => "en0");
        }

        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] changed = [.. whole, .. whole];
            for (int j = random.Next(1, 8); j > 0; j--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            Assert.All(RouteMessage.ReadTable(changed, _ => "en0"), r => Assert.InRange(r.Prefix.PrefixLength, 0, 128));
        }
    }

    [Fact]
    public void A_route_that_leads_nowhere_is_one_to_the_loopback_address_that_is_refused()
    {
        byte[] message = RouteMessage.AddReject(IPNetwork.Parse("8000::/1"), 9);
        Assert.Equal(92 + 28 + 28 + 28, message.Length);
        Assert.Equal("b000" + "05" + "01" + "0000" + "0000" + "0b080000" + "07000000" + "00000000" + "09000000", Convert.ToHexStringLower(message[..24]));
        Assert.Equal("1c1e00000000000080000000000000000000000000000000" + "00000000", Convert.ToHexStringLower(message[92..120]));
        Assert.Equal("1c1e00000000000000000000000000000000000000000001" + "00000000", Convert.ToHexStringLower(message[120..148]));
        Assert.Equal("1c1e00000000000080000000000000000000000000000000" + "00000000", Convert.ToHexStringLower(message[148..]));
    }

    [Fact]
    public void What_is_taken_away_is_what_was_added()
    {
        IPNetwork half = IPNetwork.Parse("128.0.0.0/1");
        foreach ((byte[] added, byte[] taken) in new[] { (RouteMessage.Add(half, 5, 1), RouteMessage.Delete(half, 5, 1)), (RouteMessage.AddReject(half, 1), RouteMessage.DeleteReject(half, 1)) })
        {
            Assert.Equal((1, 2), (added[3], taken[3]));
            added[3] = 2;
            Assert.Equal(added, taken);
        }
    }

    [Fact]
    public void The_internet_is_where_the_route_leads_that_counts_for_every_socket()
    {
        const string gateway = "10020000c0a80101" + "0000000000000000", nothing = "00000000";
        const int gatewayFlag = 2, scoped = 0x1000000;
        byte[] table =
        [
            .. Entry(Up | Static | gatewayFlag | scoped, index: 4, V4("00000000"), gateway, nothing),
            .. Entry(Up | Static, index: 9, V4("00000000"), gateway, "0502000080"  + "000000"),
            .. Entry(Up | Static | gatewayFlag, index: 6, V4("00000000"), gateway, nothing),
            .. Entry(Up | Static | gatewayFlag, index: 7, V4("00000000"), gateway, nothing),
            .. Entry(Up | Static | gatewayFlag | scoped, index: 3, V6(new string('0', 32)), V6(new string('0', 32)), nothing),
        ];
        Assert.Equal((6, 0), RouteMessage.ReadDefaults(table));
        Assert.Equal((0, 0), RouteMessage.ReadDefaults(table.AsSpan(0, 140)));
        byte[] v6 = Entry(Up | gatewayFlag, index: 3, V6(new string('0', 32)), V6(new string('0', 32)), nothing);
        Assert.Equal((0, 3), RouteMessage.ReadDefaults(v6));
    }

    private const int Up = 1, Host = 4, Reject = 8, Cloning = 0x100, LinkLayer = 0x400, Static = 0x800;

    private static string V4(string address) => "10020000" + address + "0000000000000000";

    private static string V6(string address) => "1c1e000000000000" + address + "00000000";

    /// <summary>A message of the table: destination, gateway and, unless it is for a host, a mask.</summary>
    private static byte[] Entry(int flags, ushort index, params string[] names)
    {
        byte[] entry = [.. new byte[92], .. names.SelectMany(Convert.FromHexString)];
        BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)entry.Length);
        entry[2] = 5;
        entry[3] = 4;
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(4), index);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(8), flags);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(12), (1 << names.Length) - 1);
        return entry;
    }
}
