namespace TunnelMesh.Coordinator.State;

/// <summary>
/// What a coordinator remembers. A completed call is on disk. Thread-safe. Every call may throw
/// <see cref="StorageFailedException"/>; its change then did not happen and the next call is served as usual. A cancelled call
/// did not happen: once it waits for the disk it is no longer cancelled.
/// </summary>
public interface ICoordinatorState : IAsyncDisposable
{
    /// <summary>The mesh, with the current number of its map.</summary>
    ValueTask<MeshRow> LoadMeshAsync(CancellationToken cancel);

    /// <summary>All member devices, by address.</summary>
    ValueTask<IReadOnlyList<DeviceRow>> LoadDevicesAsync(CancellationToken cancel);

    /// <summary>
    /// Admits a device, in one transaction. A known device key keeps its name and addresses. A new one gets the wanted name or
    /// the next with a suffix, and the next free address; one that has left gets its address back while that rests.
    /// </summary>
    /// <exception cref="RegistrationRefusedException">With a code; nothing was stored.</exception>
    ValueTask<RegistrationResult> RegisterAsync(RegistrationRequest request, CancellationToken cancel);

    /// <summary>
    /// Gives a device those of the aliases that no other device has as a name or an alias, in one transaction, and takes those away that it does not ask for any more:
    /// whoever had one first keeps it. Null when there is no such device.
    /// </summary>
    /// <param name="deviceId">Which device.</param>
    /// <param name="aliases">All it wants; valid names that are not reserved, at most <see cref="Protocol.Addressing.MeshName.MaxAliases"/>.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<RegistrationResult?> SetAliasesAsync(string deviceId, IReadOnlyList<string> aliases, CancellationToken cancel);

    /// <summary>The device leaves: its name and aliases are free at once, its address rests. Its user is forgotten with the last device, unless in a group, an admin, or revoked.</summary>
    ValueTask<RemovalResult> RemoveDeviceAsync(string deviceId, CancellationToken cancel);

    /// <summary>As <see cref="RemoveDeviceAsync"/>, and its key is never admitted again.</summary>
    ValueTask<RemovalResult> RevokeDeviceAsync(string deviceId, CancellationToken cancel);

    /// <summary>Revokes all devices of a user; the identity key is never admitted again.</summary>
    /// <param name="identityKey">Raw Ed25519 key, 32 bytes: rights bind to keys, not to short IDs.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<RemovalResult> RevokeUserAsync(byte[] identityKey, CancellationToken cancel);

    /// <summary>True when the device was revoked, by itself or with its user.</summary>
    ValueTask<bool> IsRevokedAsync(string deviceId, CancellationToken cancel);

    /// <summary>Notes when devices were last connected, in one transaction; does not change the map. Unknown ones are passed over.</summary>
    /// <param name="seen">Device IDs with Unix seconds; an earlier time never replaces a later one.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask TouchDevicesAsync(IReadOnlyCollection<KeyValuePair<string, long>> seen, CancellationToken cancel);

    /// <summary>All orders of transports.</summary>
    ValueTask<IReadOnlyList<TransportOrderRow>> LoadTransportOrdersAsync(CancellationToken cancel);

    /// <summary>Keeps an order of transports for a device or a pair, in place of the one before. It goes with the device, or with either of the pair.</summary>
    /// <param name="deviceId">The device, or one of the pair.</param>
    /// <param name="otherId">The other one of the pair; null for every other device.</param>
    /// <param name="transports">The preferred first, each once; empty to keep none.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<TransportOrderResult> SetTransportOrderAsync(string deviceId, string? otherId, IReadOnlyList<string> transports, CancellationToken cancel);

    /// <summary>All groups of users, by name.</summary>
    ValueTask<IReadOnlyList<GroupRow>> LoadGroupsAsync(CancellationToken cancel);

    /// <summary>Makes a group with nobody in it.</summary>
    /// <param name="name">A name that <see cref="Protocol.Filter.GroupName.MayBeMade"/> allows.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    ValueTask<GroupResult> CreateGroupAsync(string name, CancellationToken cancel);

    /// <summary>Deletes a group with its list of members.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<GroupResult> DeleteGroupAsync(string name, CancellationToken cancel);

    /// <summary>Puts a user into a group, or takes the user out. One stays in it without any device, and is out of every group when revoked.</summary>
    /// <param name="name">Name of the group.</param>
    /// <param name="identityKey">Raw Ed25519 key, 32 bytes: rights bind to keys, not to short IDs.</param>
    /// <param name="member">Whether the user is to be in it.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<GroupResult> SetGroupMemberAsync(string name, byte[] identityKey, bool member, CancellationToken cancel);

    /// <summary>Who administers the mesh beside the user of the coordinator's own device, by entry.</summary>
    ValueTask<IReadOnlyList<AdminRow>> LoadAdminsAsync(CancellationToken cancel);

    /// <summary>
    /// Says who administers the mesh. An entry that is new stands for the users whose devices have the name now, and goes on standing for them, whoever has the name later; one that is
    /// found in the list again stays as it was. A peer ID for which there is no user stands for the first who comes with it.
    /// </summary>
    /// <param name="entries">All of them, each as <see cref="Access.AdminEntry.IsValid"/> wants it; at most <see cref="Access.AdminEntry.Most"/>.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    /// <exception cref="ArgumentException">An entry is none, or there are too many.</exception>
    ValueTask<AdminResult> SetAdminsAsync(IReadOnlyList<string> entries, CancellationToken cancel);

    /// <summary>All tokens, revoked and expired ones among them.</summary>
    ValueTask<IReadOnlyList<TokenRow>> LoadTokensAsync(CancellationToken cancel);

    /// <summary>Adds a token; one that is there already is returned as it is, also when revoked.</summary>
    /// <param name="secret">Normalised token.</param>
    /// <param name="expires">When it ends, or null.</param>
    /// <param name="maxUses">Devices it may admit, or null.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    ValueTask<TokenRow> AddTokenAsync(string secret, DateTimeOffset? expires, long? maxUses, CancellationToken cancel);

    /// <summary>Revokes a token for good, one that is revoked already again; if wanted, in the same transaction all devices that it has admitted, too, as <see cref="RevokeDeviceAsync"/> does.</summary>
    /// <param name="tokenId">Which token.</param>
    /// <param name="withDevices">Whether the devices it has admitted are revoked, the coordinator's own left out.</param>
    /// <param name="cancel">Ends the wait for a place in the queue.</param>
    /// <returns>The devices that went; null when there is no token with this ID, and nothing was changed.</returns>
    ValueTask<RemovalResult?> RevokeTokenAsync(long tokenId, bool withDevices, CancellationToken cancel);
}
