namespace TunnelMesh.Node.LocalApi;

/// <summary>What the control socket asks of the running peer. Called from several connections at once.</summary>
public interface ILocalApiHandler
{
    /// <summary>State of this peer.</summary>
    StatusReport GetStatus();
    /// <summary>The other devices.</summary>
    IReadOnlyList<PeerReport> GetPeers();
    /// <summary>Addresses of a name.</summary>
    /// <param name="name">A device name, alone or with a suffix of the mesh.</param>
    /// <exception cref="LocalApiException">No device has it.</exception>
    ResolveReport Resolve(string name);
    /// <summary>Pings a device once inside its session, which begins if there is none. Pings of one device take turns.</summary>
    /// <param name="peer">Name, mesh address or device ID.</param>
    /// <param name="timeout">How long the answer is waited for, the turn included; a long one is cut.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such device, or it is this one.</exception>
    Task<PingReport> PingAsync(string peer, TimeSpan timeout, CancellationToken cancellation);
    /// <summary>How the network lets others reach this peer. STUN servers are asked anew, which takes seconds where they are silent.</summary>
    /// <param name="cancellation">Ends the attempt.</param>
    Task<NetCheckReport> CheckNetworkAsync(CancellationToken cancellation);
    /// <summary>How devices are reached, and why not better. STUN servers are asked anew, as <see cref="CheckNetworkAsync"/> does.</summary>
    /// <param name="peer">Name, mesh address or device ID; null for every device with traffic.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such device, or it is this one.</exception>
    Task<IReadOnlyList<DiagnosisReport>> DiagnoseAsync(string? peer, CancellationToken cancellation);
    /// <summary>Leaves the mesh for good; the process stops after the answer was sent.</summary>
    /// <param name="force">Forget the mesh even when the coordinator cannot be told; it then keeps the device in its list.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>True when the coordinator agreed, false when only this machine has forgotten the mesh.</returns>
    /// <exception cref="LocalApiException">The coordinator could not be told, and <paramref name="force"/> is not set.</exception>
    Task<bool> LeaveAsync(bool force, CancellationToken cancellation);
    /// <summary>Revokes a device for good: out of the map of every peer, its stream ended, its key never admitted again.</summary>
    /// <param name="deviceId">Device ID, 32 hex digits.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such device, or this peer is not a coordinator, or the device is this one.</exception>
    Task<RevokeReport> RevokeDeviceAsync(string deviceId, CancellationToken cancellation);
    /// <summary>Revokes a user with all devices, as <see cref="RevokeDeviceAsync"/> does one.</summary>
    /// <param name="peerId">Peer ID, 16 hex digits, of a user who has a device in the mesh.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such user, or this peer is not a coordinator, or is the user's own.</exception>
    Task<RevokeReport> RevokeUserAsync(string peerId, CancellationToken cancellation);
    /// <summary>The mesh tokens, all that were ever known, by number.</summary>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">This peer is not a coordinator.</exception>
    Task<IReadOnlyList<TokenReport>> TokensAsync(CancellationToken cancellation);
    /// <summary>Makes a token that admits devices from now on.</summary>
    /// <param name="life">How long, one minute to ten years; null for ever.</param>
    /// <param name="uses">How many devices, 1 to a million; null for any number.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">Out of bounds, as many are valid as may be, or this peer is not a coordinator.</exception>
    Task<NewTokenReport> CreateTokenAsync(TimeSpan? life, long? uses, CancellationToken cancellation);
    /// <summary>Revokes a token for good: it admits nobody any more, also when TUNNELMESH_TOKEN names it again.</summary>
    /// <param name="id">Number of the token.</param>
    /// <param name="withPeers">Whether the devices it has admitted are revoked, too, as <see cref="RevokeDeviceAsync"/> does.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such token, or this peer is not a coordinator.</exception>
    Task<TokenRevokeReport> RevokeTokenAsync(long id, bool withPeers, CancellationToken cancellation);
    /// <summary>The orders of transports that the mesh keeps, by the time they were set; after a change, if one is wanted.</summary>
    /// <param name="peer">Only those that concern this device, and the device to change: name, mesh address or device ID. Null for all.</param>
    /// <param name="with">The other device of the pair to change, named alike; null for an order towards all devices.</param>
    /// <param name="transports">The order to keep, empty to keep none any more; null to list only.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such device, no such order, or this peer is not a coordinator.</exception>
    Task<IReadOnlyList<TransportReport>> TransportsAsync(string? peer, string? with, IReadOnlyList<string>? transports, CancellationToken cancellation);
    /// <summary>The groups of users, built-in ones first, then by name.</summary>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">This peer is not a coordinator.</exception>
    Task<IReadOnlyList<GroupReport>> GroupsAsync(CancellationToken cancellation);
    /// <summary>Who is in a group, by peer ID.</summary>
    /// <param name="group">Its name, in any case.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such group, or this peer is not a coordinator.</exception>
    Task<IReadOnlyList<GroupMemberReport>> GroupMembersAsync(string group, CancellationToken cancellation);
    /// <summary>Makes a group with nobody in it.</summary>
    /// <param name="group">Its name, in any case; it is kept in lower case.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The name is none, or taken; there are too many; or this peer is not a coordinator.</exception>
    Task<GroupChangeReport> CreateGroupAsync(string group, CancellationToken cancellation);
    /// <summary>Deletes a group.</summary>
    /// <param name="group">Its name, in any case.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such group, or it is built in, or this peer is not a coordinator.</exception>
    Task<GroupChangeReport> DeleteGroupAsync(string group, CancellationToken cancellation);
    /// <summary>Puts a user into a group.</summary>
    /// <param name="group">Its name, in any case.</param>
    /// <param name="member">Peer ID of the user, or a device, which stands for its user: name, mesh address or device ID.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such group or user, the group is built in, the user is in it, there are too many, or this peer is not a coordinator.</exception>
    Task<GroupChangeReport> AddToGroupAsync(string group, string member, CancellationToken cancellation);
    /// <summary>Takes a user out of a group.</summary>
    /// <param name="group">Its name, in any case.</param>
    /// <param name="member">As for <see cref="AddToGroupAsync"/>; a member without any device by peer ID.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such group or user, the group is built in, the user is not in it, or this peer is not a coordinator.</exception>
    Task<GroupChangeReport> RemoveFromGroupAsync(string group, string member, CancellationToken cancellation);
    /// <summary>The packet filter.</summary>
    FilterReport GetFilter();
    /// <summary>Adds a temporary rule, which replaces one about the same packets.</summary>
    /// <param name="rule">The rule.</param>
    /// <exception cref="LocalApiException">The rule is none, or there are too many.</exception>
    FilterReport AddFilterRule(FilterRuleRequest rule);
    /// <summary>Removes the temporary rule about the same packets.</summary>
    /// <param name="rule">The rule; without an action, whatever it does.</param>
    /// <exception cref="LocalApiException">The rule is none, or there is no such temporary rule.</exception>
    FilterReport RemoveFilterRule(FilterRuleRequest rule);
    /// <summary>Reads the filter's part of the configuration again; on a coordinator also what every peer is told, and who administers the mesh.</summary>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The configuration cannot be used, or a coordinator cannot store it; nothing has changed.</exception>
    Task<FilterReport> ReloadFilterAsync(CancellationToken cancellation);
    /// <summary>Has the system ask this peer for names of the mesh, in place of the peer of another context of this user.</summary>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>The resolver as it is then; its problem says why it did not work.</returns>
    Task<DnsReport> TakeNamesAsync(CancellationToken cancellation);
    /// <summary>Has the system ask this peer no more; it stands back until the other has taken over, or has had the time to.</summary>
    /// <param name="context">The context whose peer takes over, for people.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    Task<DnsReport> YieldNamesAsync(string context, CancellationToken cancellation);
    /// <summary>Asks the process to stop; returns at once.</summary>
    void RequestShutdown();
}
