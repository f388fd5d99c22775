using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

public sealed class DirectResolverTests
{
    private static byte[] Answer(string name, ushort type, params byte[][] records)
    {
        byte[] query = DnsAsk.Query(name, type);
        (query[2], query[3], query[7]) = (0x81, 0x80, (byte)records.Length);
        return [.. query, .. records.SelectMany(r => r)];
    }

    private static byte[] Record(ushort type, params byte[] data) => [0xC0, 12, 0, (byte)type, 0, 1, 0, 0, 0, 60, 0, (byte)data.Length, .. data];

    [Fact]
    public void Addresses_of_the_wanted_family_are_read_whatever_stands_between()
    {
        byte[] six = IPAddress.Parse("2001:db8::1").GetAddressBytes();
        Assert.Equal(["192.0.2.1", "192.0.2.2"], DirectResolver.Read(Answer("vpn.example", DnsType.A, Record(5, 0xC0, 12), Record(DnsType.A, 192, 0, 2, 1), Record(DnsType.Aaaa, six), Record(DnsType.A, 192, 0, 2, 2)), DnsType.A).Select(a => a.ToString()));
        Assert.Equal(["2001:db8::1"], DirectResolver.Read(Answer("vpn.example", DnsType.Aaaa, Record(DnsType.Aaaa, six), Record(DnsType.Aaaa, 1, 2)), DnsType.Aaaa).Select(a => a.ToString()));
    }

    [Fact]
    public void Failures_and_what_is_cut_have_none()
    {
        byte[] failed = Answer("vpn.example", DnsType.A, Record(DnsType.A, 192, 0, 2, 1));
        failed[3] |= 3;
        Assert.Empty(DirectResolver.Read(failed, DnsType.A));
        byte[] whole = Answer("vpn.example", DnsType.A, Record(DnsType.A, 192, 0, 2, 1));
        Assert.All(Enumerable.Range(0, whole.Length), length => Assert.Empty(DirectResolver.Read(whole.AsSpan(0, length), DnsType.A)));
    }

    [Fact]
    public async Task Without_servers_the_system_is_asked()
    {
        await using DirectResolver resolver = new(() => [], null, host => host == "vpn" ? Task.FromResult<IPAddress[]>([IPAddress.Loopback]) : throw new SocketException((int)SocketError.HostNotFound));
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("vpn"));
        await Assert.ThrowsAsync<SocketException>(() => resolver.ResolveAsync("other"));
    }
}
