using TunnelMesh.Node.Nat;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Nat;

public sealed class NatWordTests
{
    private static NatWord Of(string? nat, string? mapped, string? seen) => NatWord.Of(new Meeting { Device = "d", Endpoints = [], Nat = nat, Mapped = mapped, Seen = seen });

    [Fact]
    public void An_easy_NAT_is_believed_its_endpoint_only_where_the_coordinator_sees_it()
    {
        Assert.True(Of("easy", "203.0.113.5:4000", "203.0.113.5").HasEndpoint);
        Assert.False(Of("easy", "203.0.113.5:4000", "203.0.113.6").HasEndpoint);
        Assert.False(Of("easy", "203.0.113.5:4000", null).HasEndpoint);
        Assert.False(Of("hard", "203.0.113.5:4000", "203.0.113.5").HasEndpoint);
        Assert.False(Of("easy", null, "203.0.113.5").HasEndpoint);
    }

    [Fact]
    public void A_hard_NAT_counts_at_the_address_that_the_coordinator_sees()
    {
        Assert.True(Of("hard", null, "203.0.113.5").HidesPort);
        Assert.False(Of("hard", null, null).HidesPort);
        Assert.False(Of("easy", null, "203.0.113.5").HidesPort);
    }

    [Theory]
    [InlineData("x", "x")]
    [InlineData("192.168.1.1:2", "192.168.1.1")]
    [InlineData("127.0.0.1:2", "127.0.0.1")]
    [InlineData("[2001:db8::1]:2", "2001:db8::1")]
    [InlineData("203.0.113.5:0", "224.0.0.1")]
    [InlineData("203.0.113.5:70000", "203.0.113.5:4")]
    public void What_is_no_public_IPv4_address_is_none(string mapped, string seen) => Assert.Equal((default, 0u), (Of("easy", mapped, seen).Mapped, Of("easy", mapped, seen).Seen));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Easy")]
    [InlineData("harder")]
    public void Unknown_words_tell_nothing(string? nat) => Assert.Equal(NatKind.Unknown, Of(nat, null, null).Kind);
}
