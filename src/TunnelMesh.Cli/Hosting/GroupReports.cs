using System.Globalization;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The groups of users as `group` shows and changes them on a coordinator.</summary>
/// <param name="map">Names devices and their users, and says who is in built-in groups.</param>
/// <param name="ownId">Device ID of the coordinator.</param>
/// <param name="groups">The groups that were made.</param>
internal sealed class GroupReports(NetworkMap map, string ownId, LiveGroups groups)
{
    // As many as are read in one line.
    private const int MaxListed = 20, MaxShown = 80;

    /// <summary>What is wrong with the name of a group for a command, a sentence; null when nothing is.</summary>
    /// <param name="name">Any text.</param>
    /// <param name="command">One of <see cref="LocalCommands"/>.</param>
    internal static string? FaultOf(string name, string command)
    {
        name = Normal(name);
        if (!GroupName.IsBuiltIn(name))
        {
            return GroupName.MayBeMade(name) ? null : $"`{Shown(name)}` is no name for a group: use letters, digits and hyphens, {MeshName.MaxLength} at most, no hyphen at an end.";
        }
        return command == LocalCommands.GroupMembers ? null : $"`{name}` is built in: " + command switch
        {
            LocalCommands.GroupCreate => "every mesh has it.",
            LocalCommands.GroupDelete => "it cannot be deleted.",
            _ when name == GroupName.AllAdminUsers => "coordinator.admin_peers in the configuration here says who is in it, and `tunnelmesh filter reload` has it read.",
            _ => "nobody chooses who is in it. Make a group for that: tunnelmesh group create NAME",
        };
    }

    /// <inheritdoc cref="ILocalApiHandler.GroupsAsync"/>
    public async Task<IReadOnlyList<GroupReport>> ListAsync(CancellationToken cancellation) =>
    [
        .. GroupName.BuiltIn.Select(g => new GroupReport { Name = g, BuiltIn = true, Members = BuiltInMembers(g).Length }),
        .. (await groups.LoadAsync(cancellation).ConfigureAwait(false)).Select(g => new GroupReport { Name = g.Name, BuiltIn = false, Members = g.Members.Count }),
    ];

    /// <inheritdoc cref="ILocalApiHandler.GroupMembersAsync"/>
    public async Task<IReadOnlyList<GroupMemberReport>> MembersAsync(string group, CancellationToken cancellation)
    {
        string name = Sound(group, LocalCommands.GroupMembers);
        IReadOnlyList<GroupMember> members = GroupName.IsBuiltIn(name) ? BuiltInMembers(name) : (await FindAsync(name, cancellation).ConfigureAwait(false)).Members;
        ILookup<string, string> devices = map.Devices.Values.ToLookup(d => Key(d.Wire.IdentityKey), d => d.Name);
        return [.. members.Select(m => new GroupMemberReport { PeerId = m.UserId, Devices = [.. devices[Key(m.IdentityKey)].Order(StringComparer.Ordinal)] })];
    }

    /// <inheritdoc cref="ILocalApiHandler.CreateGroupAsync"/>
    public async Task<GroupChangeReport> CreateAsync(string group, CancellationToken cancellation)
    {
        string name = Sound(group, LocalCommands.GroupCreate);
        return await groups.CreateAsync(name, cancellation).ConfigureAwait(false) switch
        {
            GroupOutcome.Unchanged => throw Failed($"There is a group `{name}` already; `tunnelmesh group members {name}` shows who is in it."),
            GroupOutcome.TooManyGroups => throw Failed(string.Create(CultureInfo.InvariantCulture, $"There are as many groups as a mesh may have, {GroupLimits.Groups}. Delete one that is not used: `tunnelmesh group list` shows them.")),
            _ => new GroupChangeReport { Group = name, PeerId = null, Devices = [] },
        };
    }

    /// <inheritdoc cref="ILocalApiHandler.DeleteGroupAsync"/>
    public async Task<GroupChangeReport> DeleteAsync(string group, CancellationToken cancellation)
    {
        string name = Sound(group, LocalCommands.GroupDelete);
        if (await groups.DeleteAsync(name, cancellation).ConfigureAwait(false) == GroupOutcome.UnknownGroup)
        {
            throw await NoGroupAsync(name, cancellation).ConfigureAwait(false);
        }
        return new GroupChangeReport { Group = name, PeerId = null, Devices = [] };
    }

    /// <summary>Puts a user into a group, or takes the user out.</summary>
    /// <param name="group">Name of the group, in any case.</param>
    /// <param name="member">Peer ID of the user, or a device of the user: name, mesh address or device ID.</param>
    /// <param name="wanted">Whether the user is to be in it.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such group or user, or nothing to change.</exception>
    public async Task<GroupChangeReport> SetMemberAsync(string group, string member, bool wanted, CancellationToken cancellation)
    {
        string name = Sound(group, wanted ? LocalCommands.GroupAdd : LocalCommands.GroupRemove);
        GroupMember user = FindUser(member, await FindAsync(name, cancellation).ConfigureAwait(false), wanted);
        return await groups.SetMemberAsync(name, user.IdentityKey, wanted, cancellation).ConfigureAwait(false) switch
        {
            GroupOutcome.UnknownGroup => throw await NoGroupAsync(name, cancellation).ConfigureAwait(false),
            GroupOutcome.UnknownUser => throw new LocalApiException(LocalErrorCodes.NotFound, $"The user {user.UserId} is no member of the mesh any more. `tunnelmesh peers` lists who is."),
            GroupOutcome.Unchanged => throw Failed(wanted
                ? $"The user {user.UserId} is in `{name}` already."
                : $"The user {user.UserId} is not in `{name}`; `tunnelmesh group members {name}` shows who is."),
            GroupOutcome.TooManyMembers => throw Failed(string.Create(CultureInfo.InvariantCulture, $"`{name}` has as many members as a group may have, {GroupLimits.Members}. Make a second group, with a second rule.")),
            GroupOutcome.TooManyOfUser => throw Failed(string.Create(CultureInfo.InvariantCulture, $"The user {user.UserId} is in as many groups as a user may be in, {GroupLimits.OfUser}. Take the user out of one first.")),
            _ => new GroupChangeReport
            {
                Group = name,
                PeerId = user.UserId,
                Devices = [.. map.Devices.Values.Where(d => d.IdentityKey.SequenceEqual(user.IdentityKey)).Select(d => d.Name).Order(StringComparer.Ordinal)],
            },
        };
    }

    // Whoever may be meant: names are chosen by members, and nobody shall get another's rights by a name that looks like an ID.
    private GroupMember FindUser(string member, GroupRow group, bool wanted)
    {
        string text = member.Trim();
        IEnumerable<GroupMember> byDevice = new[] { MapNames.FindDevice(map, text, ownId), map.ByName.GetValueOrDefault(text.ToLowerInvariant()) }.OfType<MapEntry>().Select(UserOf);
        IEnumerable<GroupMember> byUser = map.Devices.Values.Where(d => d.Wire.User.Equals(text, StringComparison.OrdinalIgnoreCase)).Select(UserOf);
        IEnumerable<GroupMember> away = wanted ? [] : group.Members.Where(m => m.UserId.Equals(text, StringComparison.OrdinalIgnoreCase));
        GroupMember[] found = [.. byUser.Concat(byDevice).Concat(away).DistinctBy(u => Key(u.IdentityKey))];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new LocalApiException(LocalErrorCodes.NotFound,
                $"No device of the mesh is called `{Shown(text)}`, and no user {(wanted ? "" : "or member ")}has that peer ID.{(wanted ? UnknownDevice.Hint(map, text) : "")} {(wanted ? "`tunnelmesh peers` lists them." : $"`tunnelmesh group members {group.Name}` shows who is in the group.")}"),
            _ => throw Failed($"`{Shown(text)}` may mean more than one user, so nothing was changed. Say which by the mesh address of a device; `tunnelmesh peers` shows them."),
        };
    }

    private async Task<GroupRow> FindAsync(string name, CancellationToken cancellation) =>
        (await groups.LoadAsync(cancellation).ConfigureAwait(false)).FirstOrDefault(g => g.Name == name) ?? throw await NoGroupAsync(name, cancellation).ConfigureAwait(false);

    private async Task<LocalApiException> NoGroupAsync(string name, CancellationToken cancellation)
    {
        string[] all = [.. GroupName.BuiltIn, .. (await groups.LoadAsync(cancellation).ConfigureAwait(false)).Select(g => g.Name)];
        string more = all.Length > MaxListed ? string.Create(CultureInfo.InvariantCulture, $" and {all.Length - MaxListed} more; `tunnelmesh group list` shows all") : "";
        return new LocalApiException(LocalErrorCodes.NotFound, $"There is no group `{Shown(name)}`.{EditDistance.Hint(name, all)} There are {string.Join(", ", all.Take(MaxListed))}{more}.");
    }

    private GroupMember[] BuiltInMembers(string name) =>
        [.. map.Devices.Values.Where(d => name == GroupName.Everyone || d.Wire.Groups?.Contains(name) == true).Select(UserOf).DistinctBy(u => Key(u.IdentityKey)).OrderBy(u => u.UserId, StringComparer.Ordinal)];

    private static GroupMember UserOf(MapEntry device) => new(device.Wire.IdentityKey, device.Wire.User);

    private static string Key(byte[] identityKey) => Convert.ToHexString(identityKey);

    private static string Normal(string name) => name.Trim().ToLowerInvariant();

    private static string Sound(string group, string command) =>
        FaultOf(group, command) is { } fault ? throw new LocalApiException(LocalErrorCodes.BadRequest, fault) : Normal(group);

    private static string Shown(string text) => PlainText.Line(text, MaxShown);

    private static LocalApiException Failed(string message) => new(LocalErrorCodes.Failed, message);
}
