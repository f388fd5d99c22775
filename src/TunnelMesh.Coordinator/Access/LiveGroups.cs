using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Access;

/// <summary>
/// The groups of users while the coordinator runs. A completed change is on disk, and peers that are connected have it with the next change of the map, which
/// goes out at once when it was quiet. Thread-safe. Each call may throw <see cref="StorageFailedException"/>; its change then did not happen.
/// </summary>
public sealed class LiveGroups
{
    private const int MaxTold = 20;
    private readonly ICoordinatorState _state;
    private readonly MeshRegistry _registry;
    private readonly ILogger _log;

    internal LiveGroups(ICoordinatorState state, MeshRegistry registry, ILogger log) => (_state, _registry, _log) = (state, registry, log);

    /// <inheritdoc cref="ICoordinatorState.LoadGroupsAsync"/>
    public Task<IReadOnlyList<GroupRow>> LoadAsync(CancellationToken cancel) => _state.LoadGroupsAsync(cancel).AsTask();

    /// <summary>Says who administers the mesh, the group <c>all_admin_users</c>, beside the user of the coordinator's own device.</summary>
    /// <inheritdoc cref="ICoordinatorState.SetAdminsAsync"/>
    public async Task SetAdminsAsync(IReadOnlyList<string> entries, CancellationToken cancel) => Tell((await _registry.SetAdminsAsync(entries, cancel).ConfigureAwait(false)).Admins);

    /// <summary>Logs for whom the entries stand: whoever wrote a name sees here whose it was.</summary>
    internal void Tell(IReadOnlyList<AdminRow> admins)
    {
        foreach ((string entry, IReadOnlyList<GroupMember> users) in admins)
        {
            bool byId = AdminEntry.IsPeerId(entry);
            if (users.Count == 0)
            {
                if (byId)
                {
                    CoordinatorLog.AdminNotHere(_log, entry);
                }
                else
                {
                    CoordinatorLog.AdminUnknown(_log, entry);
                }
            }
            else if (!byId)
            {
                string list = string.Join(", ", users.Take(MaxTold).Select(u => u.UserId)) + (users.Count > MaxTold ? ", ..." : "");
                CoordinatorLog.AdminByName(_log, entry, list);
            }
        }
    }

    /// <inheritdoc cref="ICoordinatorState.CreateGroupAsync"/>
    public async Task<GroupOutcome> CreateAsync(string name, CancellationToken cancel)
    {
        GroupOutcome outcome = await _registry.ApplyAsync(_state.CreateGroupAsync(name, cancel)).ConfigureAwait(false);
        if (outcome == GroupOutcome.Changed)
        {
            CoordinatorLog.GroupCreated(_log, name);
        }
        return outcome;
    }

    /// <inheritdoc cref="ICoordinatorState.DeleteGroupAsync"/>
    public async Task<GroupOutcome> DeleteAsync(string name, CancellationToken cancel)
    {
        GroupOutcome outcome = await _registry.ApplyAsync(_state.DeleteGroupAsync(name, cancel)).ConfigureAwait(false);
        if (outcome == GroupOutcome.Changed)
        {
            CoordinatorLog.GroupDeleted(_log, name);
        }
        return outcome;
    }

    /// <inheritdoc cref="ICoordinatorState.SetGroupMemberAsync"/>
    public async Task<GroupOutcome> SetMemberAsync(string name, byte[] identityKey, bool member, CancellationToken cancel)
    {
        GroupOutcome outcome = await _registry.ApplyAsync(_state.SetGroupMemberAsync(name, identityKey, member, cancel)).ConfigureAwait(false);
        if (outcome == GroupOutcome.Changed)
        {
            string user = PeerId.FromIdentityKey(identityKey);
            if (member)
            {
                CoordinatorLog.GroupMemberAdded(_log, user, name);
            }
            else
            {
                CoordinatorLog.GroupMemberRemoved(_log, user, name);
            }
        }
        return outcome;
    }
}
