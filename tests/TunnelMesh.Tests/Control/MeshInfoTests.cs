using System.Net;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Control;

public sealed class MeshInfoTests
{
    private static readonly MeshInfo Good = new() { MeshId = "123456789a", Cidr = "10.42.0.0/16", Cidr6 = "fd12:3456:789a::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };

    [Fact]
    public void The_ranges_of_a_mesh_are_read()
    {
        Assert.True(Good.TryGetRanges(out IPNetwork range4, out IPNetwork range6), Good.RangeProblem());
        Assert.Equal(("10.42.0.0/16", "fd12:3456:789a::/48"), (range4.ToString(), range6.ToString()));
        Assert.Null(Good.RangeProblem());
        Assert.True(Good.IsSameMesh(Good with { MapMaxAgeSeconds = 5 }));
    }

    [Theory]
    [InlineData("0.0.0.0/0", null, null)]
    [InlineData("0.0.0.0/1", null, null)]
    [InlineData("8.8.8.0/24", null, null)]
    [InlineData("::/0", null, null)]
    [InlineData(null, "::/0", null)]
    [InlineData(null, "fc00::/7", null)]
    [InlineData(null, "fd00::/8", null)]
    [InlineData(null, "2001:db8:1::/48", null)]
    [InlineData(null, "fd12:3456:789a::/47", null)]
    [InlineData(null, "fd12:3456:789a::/49", null)]
    [InlineData(null, "fd12:3456:789b::/48", null)]
    [InlineData(null, "10.42.0.0/16", null)]
    [InlineData(null, "", null)]
    [InlineData(null, null, "")]
    [InlineData(null, null, "123456789")]
    public void Ranges_that_would_pull_in_what_is_elsewhere_are_none(string? cidr, string? cidr6, string? id)
    {
        MeshInfo bad = Good with { Cidr = cidr ?? Good.Cidr, Cidr6 = cidr6 ?? Good.Cidr6, MeshId = id ?? Good.MeshId };
        Assert.False(bad.TryGetRanges(out _, out _));
        Assert.Contains($"'{cidr ?? cidr6 ?? id}'", bad.RangeProblem(), StringComparison.Ordinal);
        Assert.False(bad.IsSameMesh(bad));
        Assert.False(Good.IsSameMesh(bad));
    }
}
