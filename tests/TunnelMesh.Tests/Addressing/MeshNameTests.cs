using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Tests.Addressing;

public class MeshNameTests
{
    [Theory]
    [InlineData("laptop", "laptop")]
    [InlineData("Anna's MacBook-Pro.local", "anna-s-macbook-pro")]
    [InlineData("--x__y--", "x-y")]
    [InlineData("", "peer")]
    [InlineData("日本", "peer")]
    public void Host_names_become_labels(string host, string label) => Assert.Equal(label, MeshName.Sanitize(host));

    [Theory]
    [InlineData("this")]
    [InlineData("ADMIN")]
    [InlineData("grafana")]
    public void Names_with_a_meaning_are_reserved(string name) => Assert.True(MeshName.IsReserved(name));

    [Fact]
    public void A_suffix_never_makes_a_name_too_long()
    {
        Assert.Equal("laptop-2", MeshName.WithSuffix("laptop", 2));
        string name = MeshName.WithSuffix(new string('a', 63), 1234);
        Assert.Equal(63, name.Length);
        Assert.EndsWith("-1234", name, StringComparison.Ordinal);
    }
}
