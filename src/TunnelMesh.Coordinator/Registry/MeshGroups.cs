using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>Who is in which group, as the map tells it: stored groups, and built-in ones. <c>everyone</c> is not told, since every device is in it. Immutable.</summary>
internal sealed class MeshGroups
{
    private readonly IReadOnlyList<GroupRow> _groups;
    private readonly IReadOnlyList<string> _hosts;
    private readonly IReadOnlyList<AdminRow> _admins;
    private readonly Dictionary<string, string[]> _ofUser;

    /// <summary>Puts them together.</summary>
    /// <param name="groups">Stored groups.</param>
    /// <param name="number">The state's number at which they were so.</param>
    /// <param name="hosts">Keys of the users who run a coordinator, upper-case hex.</param>
    /// <param name="admins">Who else administers the mesh.</param>
    /// <param name="adminNumber">The state's number at which they did.</param>
    private MeshGroups(IReadOnlyList<GroupRow> groups, long number, IReadOnlyList<string> hosts, IReadOnlyList<AdminRow> admins, long adminNumber)
    {
        (_groups, Number, _hosts, _admins, AdminNumber) = (groups, number, hosts, admins, adminNumber);
        Names = [GroupName.AllAdminUsers, GroupName.AllServiceUsers, .. groups.Select(g => g.Name)];
        _ofUser = hosts.Concat(admins.SelectMany(a => a.Users).Select(u => Convert.ToHexString(u.IdentityKey))).Distinct().Select(user => (User: user, Group: GroupName.AllAdminUsers))
            .Concat(groups.SelectMany(g => g.Members.Select(m => (User: Convert.ToHexString(m.IdentityKey), Group: g.Name))))
            .GroupBy(m => m.User, m => m.Group).ToDictionary(u => u.Key, u => u.ToArray());
    }

    /// <summary>The state's number at which the stored groups were so.</summary>
    internal long Number { get; }

    /// <summary>The state's number at which the list of admins was so.</summary>
    internal long AdminNumber { get; }

    /// <summary>Names of all groups but <c>everyone</c>.</summary>
    internal IReadOnlyList<string> Names { get; }

    /// <summary>As they are when a coordinator starts. Whoever runs it administers the mesh; a service has no user of its own yet, so the group of those is empty.</summary>
    /// <param name="groups">Stored groups.</param>
    /// <param name="devices">All devices, the coordinator's own among them.</param>
    /// <param name="admins">Who else administers the mesh.</param>
    /// <param name="number">The state's number.</param>
    internal static MeshGroups Of(IReadOnlyList<GroupRow> groups, IEnumerable<DeviceRow> devices, IReadOnlyList<AdminRow> admins, long number) =>
        new(groups, number, [.. devices.Where(d => d.Coordinator).Select(d => Convert.ToHexString(d.IdentityKey)).Distinct()], admins, number);

    /// <summary>The same mesh with other stored groups.</summary>
    internal MeshGroups With(IReadOnlyList<GroupRow> groups, long number) => new(groups, number, _hosts, _admins, AdminNumber);

    /// <summary>The same mesh with other admins.</summary>
    internal MeshGroups With(IReadOnlyList<AdminRow> admins, long number) => new(_groups, Number, _hosts, admins, number);

    /// <summary>Groups of a user, or null for none.</summary>
    /// <param name="identityKey">Raw Ed25519 key.</param>
    internal string[]? OfUser(byte[] identityKey) => _ofUser.GetValueOrDefault(Convert.ToHexString(identityKey));
}
