using System.Net;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Coordinator.State;

/// <summary>The state in one SQLite file (WAL, synchronous=FULL), for a mesh with one coordinator. Thread-safe.</summary>
public sealed class SqliteState : ICoordinatorState
{
    private readonly SqliteStateOptions _options;
    private readonly WriteQueue _queue;
    private readonly DeviceTable _devices;

    private SqliteState(SqliteStateOptions options, SqliteSession session, IPNetwork cidr)
    {
        _options = options;
        string meshId = (string)session.Scalar("SELECT value FROM meta WHERE key='mesh_id'")!;
        Mesh = new MeshRow(meshId, (string)session.Scalar("SELECT value FROM meta WHERE key='epoch'")!, cidr, MeshAddresses.Ula(meshId),
            DeviceTable.MapNumber(session));
        _devices = new DeviceTable(cidr, Mesh.Ula, options);
        _queue = new WriteQueue(session, options.File);
    }

    /// <summary>The mesh as it was when the state was opened.</summary>
    public MeshRow Mesh { get; }

    /// <summary>Opens the state, or founds a new mesh when the file does not exist.</summary>
    /// <exception cref="CoordinatorStateException">The file is damaged, foreign, newer, in use, or of another address range.</exception>
    /// <exception cref="IOException">The directory or file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory or file may not be used by this user.</exception>
    public static SqliteState Open(SqliteStateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!MeshAddresses.TryParseCidr(options.Cidr, out IPNetwork cidr, out string error))
        {
            throw new CoordinatorStateException(StateProblem.OtherSettings, error);
        }
        SqliteSession session = SqliteSchema.Open(options, cidr);
        return new SqliteState(options, session, cidr);
    }

    /// <inheritdoc/>
    public ValueTask<MeshRow> LoadMeshAsync(CancellationToken cancel) =>
        _queue.RunAsync(s => Mesh with { MapNumber = DeviceTable.MapNumber(s) }, cancel);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DeviceRow>> LoadDevicesAsync(CancellationToken cancel) =>
        _queue.RunAsync<IReadOnlyList<DeviceRow>>(_devices.All, cancel);

    /// <inheritdoc/>
    public ValueTask<RegistrationResult> RegisterAsync(RegistrationRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _queue.RunAsync(s => _devices.Register(s, request), cancel);
    }

    /// <inheritdoc/>
    public ValueTask<RegistrationResult?> SetAliasesAsync(string deviceId, IReadOnlyList<string> aliases, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(aliases);
        return _queue.RunAsync(s => _devices.SetAliases(s, deviceId, aliases), cancel);
    }

    /// <inheritdoc/>
    public ValueTask<RemovalResult> RemoveDeviceAsync(string deviceId, CancellationToken cancel) =>
        _queue.RunAsync(s => _devices.Remove(s, [deviceId]), cancel);

    /// <inheritdoc/>
    public ValueTask<RemovalResult> RevokeDeviceAsync(string deviceId, CancellationToken cancel) =>
        _queue.RunAsync(s => _devices.RevokeDevice(s, deviceId), cancel);

    /// <inheritdoc/>
    public ValueTask<RemovalResult> RevokeUserAsync(byte[] identityKey, CancellationToken cancel) =>
        _queue.RunAsync(s => _devices.RevokeUser(s, identityKey), cancel);

    /// <inheritdoc/>
    public ValueTask<bool> IsRevokedAsync(string deviceId, CancellationToken cancel) =>
        _queue.RunAsync(s => DeviceTable.IsRevoked(s, deviceId), cancel);

    /// <inheritdoc/>
    public async ValueTask TouchDevicesAsync(IReadOnlyCollection<KeyValuePair<string, long>> seen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(seen);
        await _queue.RunAsync(s =>
        {
            foreach ((string id, long time) in seen)
            {
                s.Execute("UPDATE devices SET last_seen=max(last_seen,$2) WHERE id=$1", id, time);
            }
            return seen.Count;
        }, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TransportOrderRow>> LoadTransportOrdersAsync(CancellationToken cancel) =>
        _queue.RunAsync<IReadOnlyList<TransportOrderRow>>(s => TransportOrderTable.All(s), cancel);

    /// <inheritdoc/>
    public ValueTask<TransportOrderResult> SetTransportOrderAsync(string deviceId, string? otherId, IReadOnlyList<string> transports, CancellationToken cancel) =>
        _queue.RunAsync(s => TransportOrderTable.Set(s, deviceId, otherId, transports), cancel);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<GroupRow>> LoadGroupsAsync(CancellationToken cancel) =>
        _queue.RunAsync<IReadOnlyList<GroupRow>>(s => GroupTable.All(s), cancel);

    /// <inheritdoc/>
    public ValueTask<GroupResult> CreateGroupAsync(string name, CancellationToken cancel) =>
        _queue.RunAsync(s => GroupTable.Create(s, name, _options.Time.GetUtcNow()), cancel);

    /// <inheritdoc/>
    public ValueTask<GroupResult> DeleteGroupAsync(string name, CancellationToken cancel) => _queue.RunAsync(s => GroupTable.Delete(s, name), cancel);

    /// <inheritdoc/>
    public ValueTask<GroupResult> SetGroupMemberAsync(string name, byte[] identityKey, bool member, CancellationToken cancel) =>
        _queue.RunAsync(s => GroupTable.SetMember(s, name, identityKey, member, _options.Time.GetUtcNow()), cancel);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<AdminRow>> LoadAdminsAsync(CancellationToken cancel) => _queue.RunAsync<IReadOnlyList<AdminRow>>(s => AdminTable.All(s), cancel);

    /// <inheritdoc/>
    public ValueTask<AdminResult> SetAdminsAsync(IReadOnlyList<string> entries, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return _queue.RunAsync(s => AdminTable.Set(s, entries, _options.Time.GetUtcNow()), cancel);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TokenRow>> LoadTokensAsync(CancellationToken cancel) =>
        _queue.RunAsync<IReadOnlyList<TokenRow>>(s => TokenTable.All(s), cancel);

    /// <inheritdoc/>
    public ValueTask<TokenRow> AddTokenAsync(string secret, DateTimeOffset? expires, long? maxUses, CancellationToken cancel)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        return _queue.RunAsync(s => TokenTable.Add(s, secret, _options.Time.GetUtcNow(), expires, maxUses), cancel);
    }

    /// <inheritdoc/>
    public ValueTask<RemovalResult?> RevokeTokenAsync(long tokenId, bool withDevices, CancellationToken cancel) =>
        _queue.RunAsync(s => TokenTable.Revoke(s, tokenId) ? _devices.RevokeAdmitted(s, withDevices ? tokenId : null) : null, cancel);

    /// <summary>Stores what waits, then closes the file.</summary>
    public ValueTask DisposeAsync() => _queue.DisposeAsync();
}
