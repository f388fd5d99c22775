using System.Net;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsProtocol;

public class DnsCookieTests
{
    // RFC 9018 appendix A.1 and A.4: keys, clients, times and the cookies they give.
    [Theory]
    [InlineData("e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985u, "2464c4abcf10c957010000005cf79f111f8130c3eee29480")]
    [InlineData("445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961u, "22681ab97d52c298010000005cf7c609a6bb79d16625507a")]
    public void Cookies_are_those_of_the_RFC(string key, string client, string address, uint time, string cookie)
    {
        byte[] written = new byte[DnsCookie.Size], from = IPAddress.Parse(address).GetAddressBytes(), secret = Convert.FromHexString(key);
        DnsCookie.Write(Convert.FromHexString(client), from, secret, time, written);
        Assert.Equal(cookie, Convert.ToHexStringLower(written));
        Assert.True(DnsCookie.IsValid(written, from, secret, time));
        Assert.True(DnsCookie.IsValid(written, from, secret, time + 3600));
        Assert.False(DnsCookie.IsValid(written, from, secret, time + 3601));
        Assert.True(DnsCookie.IsValid(written, from, secret, time - 300));
        Assert.False(DnsCookie.IsValid(written, from, secret, time - 301));
    }

    [Fact]
    public void A_cookie_of_another_address_client_or_server_is_worth_nothing()
    {
        byte[] key = new byte[16], cookie = new byte[DnsCookie.Size];
        DnsCookie.Write([1, 2, 3, 4, 5, 6, 7, 8], [10, 42, 0, 2], key, 1000, cookie);
        Assert.True(DnsCookie.IsValid(cookie, [10, 42, 0, 2], key, 1000));
        Assert.False(DnsCookie.IsValid(cookie, [10, 42, 0, 3], key, 1000));
        Assert.False(DnsCookie.IsValid(cookie, [10, 42, 0, 2], Enumerable.Repeat((byte)1, 16).ToArray(), 1000));
        Assert.False(DnsCookie.IsValid(cookie.AsSpan(0, 8), [10, 42, 0, 2], key, 1000));
        for (int i = 0; i < cookie.Length; i++)
        {
            cookie[i] ^= 1;
            Assert.False(DnsCookie.IsValid(cookie, [10, 42, 0, 2], key, 1000), $"byte {i}");
            cookie[i] ^= 1;
        }
    }

    // The first vectors of the reference implementation: key 00..0f, input 00, 01, ...
    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void SipHash_gives_the_vectors_of_its_authors(int length, ulong hash)
    {
        byte[] bytes = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        Assert.Equal(hash, SipHash.Compute(bytes, bytes.AsSpan(0, length)));
    }
}
