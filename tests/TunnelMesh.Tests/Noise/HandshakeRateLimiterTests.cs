using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

public class HandshakeRateLimiterTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_burst_of_five_then_twenty_a_second()
    {
        HandshakeRateLimiter limiter = new(_time);
        UInt128 source = HandshakeRateLimiter.KeyOf(IPAddress.Parse("192.0.2.1"));
        Assert.Equal(5, Enumerable.Range(0, 50).Count(_ => limiter.TryTake(source)));
        Assert.True(limiter.TryTake(HandshakeRateLimiter.KeyOf(IPAddress.Parse("192.0.2.2"))));
        int allowed = 0;
        for (int i = 0; i < 1000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            allowed += limiter.TryTake(source) ? 1 : 0;
        }
        Assert.InRange(allowed, 19, 20);
    }

    [Fact]
    public void An_IPv6_source_is_its_64_and_IPv4_is_the_same_when_mapped()
    {
        Assert.Equal(Key("2001:db8:0:1::1"), Key("2001:db8:0:1:ffff::2"));
        Assert.NotEqual(Key("2001:db8:0:1::1"), Key("2001:db8:0:2::1"));
        Assert.Equal(Key("192.0.2.1"), Key("::ffff:192.0.2.1"));
        Assert.NotEqual(Key("192.0.2.1"), Key("192.0.2.2"));
    }

    [Fact]
    public void The_table_is_bounded_and_forgets_quiet_sources()
    {
        HandshakeRateLimiter limiter = new(_time);
        for (int i = 0; i < HandshakeRateLimiter.MaxSources; i++)
        {
            Assert.True(limiter.TryTake((UInt128)i));
        }
        UInt128 late = UInt128.MaxValue;
        Assert.False(limiter.TryTake(late));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(limiter.TryTake(late));
    }

    private static UInt128 Key(string address) => HandshakeRateLimiter.KeyOf(IPAddress.Parse(address));
}
