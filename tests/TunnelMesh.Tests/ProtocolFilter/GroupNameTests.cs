using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.ProtocolFilter;

public sealed class GroupNameTests
{
    [Theory]
    [InlineData("ops", true)]
    [InlineData("tier-1", true)]
    [InlineData("any", true)]
    [InlineData("everyone", false)]
    [InlineData("all_admin_users", false)]
    [InlineData("all_service_users", false)]
    [InlineData("my_group", false)]
    [InlineData("Ops", false)]
    [InlineData("ops-", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_group_is_called_as_a_device_is(string? name, bool may) => Assert.Equal(may, GroupName.MayBeMade(name));

    [Fact]
    public void Every_group_that_there_may_be_can_be_named_in_a_rule()
    {
        foreach (string name in GroupName.BuiltIn.Append("tier-1").Append(new string('a', 63)))
        {
            Assert.True(FilterSource.TryParse($"group:{name}", out FilterSource source));
            Assert.Equal((FilterSourceKind.Group, name), (source.Kind, source.Name));
        }
    }
}
