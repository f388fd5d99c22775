using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Tests.Cli;

public sealed class ServiceUserTests
{
    private static readonly UnixUser Root = new("root", 0, 0, "/root"), Alice = new("alice", 1000, 1000, "/home/alice");

    [Fact]
    public void The_user_is_the_one_that_is_named_else_who_called_sudo_else_who_runs_it()
    {
        Assert.Equal("bob", ServiceUser.Choose("bob", "alice", Root));
        Assert.Equal("alice", ServiceUser.Choose(null, "alice", Root));
        Assert.Equal("alice", ServiceUser.Choose(null, null, Alice));
        // Anybody may set the variable; it says nothing about who is not root.
        Assert.Equal("alice", ServiceUser.Choose(null, "bob", Alice));
    }

    [Theory]
    [InlineData(null, null, "nobody did")]
    [InlineData(null, "root", "that of the system")]
    [InlineData("root", "alice", "that of the system")]
    [InlineData("", "alice", "is no name of a user")]
    [InlineData("a:b", null, "is no name of a user")]
    [InlineData("../alice", null, "is no name of a user")]
    [InlineData("alice\n[Service]", null, "is no name of a user")]
    public void Nobody_root_and_what_is_no_name_are_refused(string? named, string? sudo, string reason)
    {
        HostException refused = Assert.Throws<HostException>(() => ServiceUser.Choose(named, sudo, Root));
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void A_home_that_is_not_there_or_another_s_and_root_by_another_name_are_refused()
    {
        using CommandLine cli = new();
        Directory.CreateDirectory(cli.Home);
        HomeLayout layout = new(new ProcessEnvironment { UserHome = cli.Home }, isRoot: false);
        uint self = UnixUsers.EffectiveUserId;
        Assert.Contains("root by another name", Refusal(new UnixUser("toor", 0, 0, cli.Home)), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refusal(Alice with { Home = cli.PathOf("none") }), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refusal(Alice with { Home = "" }), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refusal(Alice with { Home = "/" }), StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains($"belongs to user {self}, not to alice", Refusal(Alice with { Id = self + 1, Home = cli.Home }), StringComparison.Ordinal);
        }

        string Refusal(UnixUser user) => Assert.Throws<HostException>(() => ServiceUser.Check(user, layout, "default")).Message;
    }

    [Fact]
    public void A_service_whose_name_no_file_can_have_is_refused()
    {
        // 255 bytes with `tunnelmesh:`, the colon before the context and `.service`.
        string context = new('c', 63), fits = new('u', 255 - 11 - 1 - 63 - 8);
        ServiceUser.CheckName(fits, context);
        Assert.Contains("256 bytes long", Assert.Throws<HostException>(() => ServiceUser.CheckName(fits + "u", context)).Message, StringComparison.Ordinal);
        Assert.Throws<HostException>(() => ServiceUser.CheckName(new string('é', 40), context));
    }
}
