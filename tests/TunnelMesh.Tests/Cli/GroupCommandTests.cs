using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class GroupCommandTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private static string[] Lines(Action<TextWriter> print)
    {
        using StringWriter output = new();
        print(output);
        return output.ToString().TrimEnd().Split(Environment.NewLine);
    }

    [Fact]
    public void Groups_and_members_are_tables()
    {
        Assert.Equal(
            ["NAME      MEMBERS  BUILT IN", "everyone  3        yes", "ops       1        no"],
            Lines(o => GroupCommand.Print([new GroupReport { Name = "everyone", BuiltIn = true, Members = 3 }, new GroupReport { Name = "ops", BuiltIn = false, Members = 1 }], o)));
        Assert.Equal(
            ["PEER ID           DEVICES", "0123456789abcdef  laptop, phone", "fedcba9876543210  (none now)"],
            Lines(o => GroupCommand.Print([new GroupMemberReport { PeerId = "0123456789abcdef", Devices = ["laptop", "phone"] }, new GroupMemberReport { PeerId = "fedcba9876543210", Devices = [] }], "ops", o)));
        Assert.Equal(["Nobody is in ops."], Lines(o => GroupCommand.Print([], "ops", o)));
    }

    [Theory]
    [InlineData(LocalCommands.GroupCreate, null, "Group ops is there, with nobody in it. `tunnelmesh group add-member ops DEVICE` puts a user into it.")]
    [InlineData(LocalCommands.GroupDelete, null, "Group ops is gone; rules about group:ops are about nobody now.")]
    [InlineData(LocalCommands.GroupAdd, "laptop", "laptop stands for its user 0123456789abcdef, who is in ops, with laptop, phone.")]
    [InlineData(LocalCommands.GroupAdd, "0123456789ABCDEF", "User 0123456789abcdef is in ops, with laptop, phone.")]
    [InlineData(LocalCommands.GroupRemove, "10.42.0.7", "10.42.0.7 stands for its user 0123456789abcdef, who is no longer in ops, with laptop, phone.")]
    public void A_change_says_whom_it_is_about(string command, string? member, string expected) =>
        Assert.Equal(expected, GroupCommand.Describe(
            new GroupChangeReport { Group = "ops", PeerId = member is null ? null : "0123456789abcdef", Devices = member is null ? [] : ["laptop", "phone"] }, command, member));

    [Fact]
    public void A_member_without_a_device_is_named_alone() => Assert.Equal("User 0123456789abcdef is no longer in ops.",
        GroupCommand.Describe(new GroupChangeReport { Group = "ops", PeerId = "0123456789abcdef", Devices = [] }, LocalCommands.GroupRemove, "0123456789abcdef"));

    [Theory]
    [InlineData("group create everyone", "`everyone` is built in: every mesh has it.")]
    [InlineData("group create All_Admin_Users", "`all_admin_users` is built in: every mesh has it.")]
    [InlineData("group delete everyone", "`everyone` is built in: it cannot be deleted.")]
    [InlineData("group add-member everyone laptop", "`everyone` is built in: nobody chooses who is in it.")]
    [InlineData("group remove-member all_admin_users laptop", "`all_admin_users` is built in: coordinator.admin_peers")]
    [InlineData("group delete my_group", "`my_group` is no name for a group")]
    [InlineData("group members my_group", "`my_group` is no name for a group")]
    [InlineData("group create my_group", "`my_group` is no name for a group: use letters, digits and hyphens, 63 at most, no hyphen at an end.")]
    [InlineData("group create $(reboot)", "`$(reboot)` is no name for a group")]
    [InlineData("group", "Which command of `tunnelmesh group`? `list`, `create`, `delete`, `members`, `add-member`, `remove-member`; `tunnelmesh group --help` shows them.")]
    [InlineData("group add-membr ops laptop", "There is no command `add-membr` of `tunnelmesh group`. Did you mean `add-member`?")]
    [InlineData("groups", "There is no command `groups`. Did you mean `group`?")]
    [InlineData("group add-member ops", "`tunnelmesh group add-member --help`")]
    [InlineData("group members", "`tunnelmesh group members --help`")]
    public async Task What_is_wrong_is_said_on_one_line(string line, string expected)
    {
        (int code, string output, string error) = await _cli.RunAsync(line.Split(' '));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("group create Ops-2")]
    [InlineData("group members everyone")]
    public async Task What_is_sound_is_asked_of_the_peer_and_here_none_runs(string line) => Assert.Equal(7, (await _cli.RunAsync(line.Split(' '))).Code);
}
