using System.CommandLine;
using System.Globalization;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>group list|create|delete|members|add-member|remove-member</c>: groups of users, for rules of the packet filter. Runs on a coordinator.</summary>
internal static class GroupCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => new("group", "Show and change the groups of users that rules of the packet filter name (on a coordinator)")
    {
        List(commands),
        Change(commands, "create", "Make a group with nobody in it", LocalCommands.GroupCreate, null),
        Change(commands, "delete", "Delete a group; rules about it are about nobody then", LocalCommands.GroupDelete, null),
        Members(commands),
        Change(commands, "add-member", "Put a user into a group, with all devices, at once", LocalCommands.GroupAdd, Member()),
        Change(commands, "remove-member", "Take a user out of a group, with all devices, at once", LocalCommands.GroupRemove, Member()),
    };

    /// <summary>One line a group.</summary>
    internal static void Print(IReadOnlyList<GroupReport> groups, TextWriter output) => HumanTable.Print(
        ["NAME", "MEMBERS", "BUILT IN"],
        groups.Select(g => new[] { g.Name, g.Members.ToString(CultureInfo.InvariantCulture), g.BuiltIn ? "yes" : "no" }),
        output);

    /// <summary>One line a user.</summary>
    /// <param name="members">Who is in the group.</param>
    /// <param name="group">Its name.</param>
    /// <param name="output">Where to.</param>
    internal static void Print(IReadOnlyList<GroupMemberReport> members, string group, TextWriter output)
    {
        if (members.Count == 0)
        {
            output.WriteLine($"Nobody is in {group}.");
            return;
        }
        HumanTable.Print(["PEER ID", "DEVICES"], members.Select(m => new[] { m.PeerId, m.Devices.Count == 0 ? "(none now)" : string.Join(", ", m.Devices) }), output);
    }

    /// <summary>What was done, and about whom it is.</summary>
    /// <param name="change">As answered.</param>
    /// <param name="command">What was asked for, one of <see cref="LocalCommands"/>.</param>
    /// <param name="member">Who was named, or null.</param>
    internal static string Describe(GroupChangeReport change, string command, string? member)
    {
        if (command == LocalCommands.GroupCreate)
        {
            return $"Group {change.Group} is there, with nobody in it. `tunnelmesh group add-member {change.Group} DEVICE` puts a user into it.";
        }
        if (command == LocalCommands.GroupDelete)
        {
            return $"Group {change.Group} is gone; rules about group:{change.Group} are about nobody now.";
        }
        string state = $"is {(command == LocalCommands.GroupAdd ? "" : "no longer ")}in {change.Group}";
        string devices = change.Devices.Count == 0 ? "" : $", with {string.Join(", ", change.Devices)}";
        return string.Equals(member, change.PeerId, StringComparison.OrdinalIgnoreCase)
            ? $"User {change.PeerId} {state}{devices}."
            : $"{member} stands for its user {change.PeerId}, who {state}{devices}.";
    }

    private static Argument<string> Group() => new("group") { Description = "Name of the group: letters, digits and hyphens" };

    private static Argument<string> Member() => new("member") { Description = "A user's peer ID, or a device, which stands for its user: name, mesh address or device ID" };

    private static Command List(CommandContext commands) => QueryCommand.Asks(
        commands,
        new Command("list", "List the groups, built-in ones first"),
        (client, _, cancellation) => client.GroupsAsync(cancellation),
        LocalApiJson.Default.IReadOnlyListGroupReport,
        (groups, _, output) => Print(groups, output));

    private static Command Members(CommandContext commands)
    {
        Argument<string> group = Group();
        return QueryCommand.Asks(
            commands,
            new Command("members", "List who is in a group, with their devices") { group },
            (client, parsed, cancellation) => client.GroupMembersAsync(parsed.GetValue(group)!, cancellation),
            LocalApiJson.Default.IReadOnlyListGroupMemberReport,
            (members, parsed, output) => Print(members, parsed.GetValue(group)!, output),
            parsed => Check(parsed.GetValue(group)!, LocalCommands.GroupMembers));
    }

    // Said before a peer is asked, which may not be there.
    private static void Check(string group, string ask)
    {
        if (GroupReports.FaultOf(group, ask) is { } fault)
        {
            throw new HostException(ExitCode.Usage, fault);
        }
    }

    private static Command Change(CommandContext commands, string name, string description, string ask, Argument<string>? member)
    {
        Argument<string> group = Group();
        Command command = new(name, description) { group };
        if (member is not null)
        {
            command.Add(member);
        }
        return QueryCommand.Asks(
            commands,
            command,
            (client, parsed, cancellation) => client.ChangeGroupAsync(ask, parsed.GetValue(group)!, Whom(parsed), cancellation),
            LocalApiJson.Default.GroupChangeReport,
            (change, parsed, output) => output.WriteLine(Describe(change, ask, Whom(parsed))),
            parsed => Check(parsed.GetValue(group)!, ask));

        string? Whom(ParseResult parsed) => member is null ? null : parsed.GetValue(member);
    }
}
