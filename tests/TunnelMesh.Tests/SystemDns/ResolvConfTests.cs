using System.Net;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.SystemDns;

public class ResolvConfTests
{
    private static readonly IPAddress Own = IPAddress.Parse("127.0.0.53");

    [Fact]
    public void Servers_are_read_in_order_and_once()
    {
        string text = "# nameserver 192.0.2.9\nnameserver 192.0.2.1\r\n nameserver\t2001:db8::1 # second\nnameserver 192.0.2.1\nnameserver nonsense\nnameserver\nsearch a b\n";
        Assert.Equal(["192.0.2.1", "2001:db8::1"], ResolvConf.Servers(text).Select(s => s.ToString()));
    }

    [Fact]
    public void Ours_names_this_resolver_then_two_of_before_and_keeps_search_and_options()
    {
        string before = "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nsearch example.com\noptions edns0\n; a remark\n";
        string ours = ResolvConf.Write(before, Own, "/var/dns.json");
        Assert.True(ResolvConf.IsOurs(ours));
        Assert.False(ResolvConf.IsOurs(before));
        Assert.Equal(["127.0.0.53", "192.0.2.1", "192.0.2.2"], ResolvConf.Servers(ours).Select(s => s.ToString()));
        Assert.EndsWith("search example.com\noptions edns0\n", ours, StringComparison.Ordinal);
        Assert.Equal(["127.0.0.53"], ResolvConf.Servers(ResolvConf.Write("", Own, "x")).Select(s => s.ToString()));
    }

    [Fact]
    public void Where_traffic_leaves_by_another_device_those_of_before_are_noted_and_not_asked()
    {
        string ours = ResolvConf.Write("nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch example.com\n", Own, "/var/dns.json", alone: true);
        Assert.Equal(["127.0.0.53"], ResolvConf.Servers(ours).Select(s => s.ToString()));
        Assert.Equal("/var/dns.json", ResolvConf.JournalOf(ours));
        Assert.Equal("nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch example.com\n", ResolvConf.WithoutOurs(ours));
    }

    [Fact]
    public void Ours_tells_where_its_journal_is_and_leaves_the_rest_when_that_is_lost()
    {
        string ours = ResolvConf.Write("nameserver 192.0.2.1\nsearch example.com\n", Own, "/root/.tunnelmesh/dns.json");
        Assert.Equal("/root/.tunnelmesh/dns.json", ResolvConf.JournalOf(ours));
        Assert.Null(ResolvConf.JournalOf("Kept in /x.\n"));
        Assert.Equal("nameserver 192.0.2.1\nsearch example.com\n", ResolvConf.WithoutOurs(ours));
        Assert.Equal("nameserver 192.0.2.1\n", ResolvConf.WithoutOurs("nameserver 192.0.2.1\n"));
    }

    [Theory]
    [InlineData("24 1 0:22 /etc/netns/a/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw", "", true)]
    [InlineData("24 1 0:22 / /etc rw - ext4 /dev/vda rw", "", true)]
    [InlineData("24 1 0:22 /etc/resolv.conf / rw - ext4 /dev/vda rw\n25 1 0:22 / /etc/hosts rw - ext4 /dev/vda rw", "", false)]
    [InlineData("24 1 0:22 /docker/1/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw", "7 1 0:22 /docker/1/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw", false)]
    [InlineData("24 1 0:22 /docker/1/resolv.conf /etc/resolv.conf rw - a\n25 1 0:22 /etc/netns/a/resolv.conf /etc/resolv.conf rw - b", "7 1 0:22 /docker/1/resolv.conf /etc/resolv.conf rw - a", true)]
    [InlineData("", "", false)]
    public void A_file_mounted_for_a_namespace_is_its_own(string own, string first, bool mounted) => Assert.Equal(mounted, SharedNetwork.IsMounted(own, first));

    [Theory]
    [InlineData("24 1 0:4 net:[4026532177] /run/netns/a rw - nsfs nsfs rw", true)]
    [InlineData("24 1 0:4 net:[4026532178] /run/netns/a rw - nsfs nsfs rw", false)]
    public void A_namespace_that_is_mounted_has_a_name(string mountinfo, bool named) => Assert.Equal(named, SharedNetwork.IsNamed(mountinfo, "net:[4026532177]"));
}
