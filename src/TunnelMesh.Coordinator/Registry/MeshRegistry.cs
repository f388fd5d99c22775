using System.Security.Cryptography;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>The way to the state for whatever changes the map: first on disk, then in memory. Thread-safe.</summary>
/// <remarks>
/// Once a change waits for the disk it is no longer cancelled, so a change that is on disk always reaches the map.
/// </remarks>
internal sealed class MeshRegistry
{
    private readonly ICoordinatorState _state;

    private MeshRegistry(ICoordinatorState state, LiveMap map)
    {
        _state = state;
        Map = map;
    }

    internal LiveMap Map { get; }

    /// <summary>Reads the state.</summary>
    /// <exception cref="StorageFailedException">The state cannot be read.</exception>
    internal static async Task<MeshRegistry> LoadAsync(ICoordinatorState state, TimeSpan mapMaxAge, MapFilter? filter, CancellationToken cancel)
    {
        MeshRow mesh = await state.LoadMeshAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<DeviceRow> devices = await state.LoadDevicesAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<TransportOrderRow> orders = await state.LoadTransportOrdersAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<GroupRow> groups = await state.LoadGroupsAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<AdminRow> admins = await state.LoadAdminsAsync(cancel).ConfigureAwait(false);
        MeshInfo info = new()
        {
            MeshId = mesh.MeshId,
            Cidr = mesh.Cidr.ToString(),
            Cidr6 = mesh.Ula.ToString(),
            Domain = "tunnelmesh",
            MapMaxAgeSeconds = (long)mapMaxAge.TotalSeconds,
        };
        string epoch = $"{mesh.Epoch}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        return new MeshRegistry(state, new LiveMap(epoch, mesh.MapNumber, info, devices, orders, filter, groups, admins));
    }

    /// <inheritdoc cref="ICoordinatorState.RegisterAsync"/>
    internal async Task<RegistrationResult> RegisterAsync(RegistrationRequest request, CancellationToken cancel)
    {
        RegistrationResult result = await _state.RegisterAsync(request, cancel).ConfigureAwait(false);
        Map.Apply(result);
        return result;
    }

    /// <inheritdoc cref="ICoordinatorState.SetAliasesAsync"/>
    internal async Task<RegistrationResult?> SetAliasesAsync(string deviceId, IReadOnlyList<string> aliases, CancellationToken cancel)
    {
        RegistrationResult? result = await _state.SetAliasesAsync(deviceId, aliases, cancel).ConfigureAwait(false);
        if (result is not null)
        {
            Map.Apply(result);
        }
        return result;
    }

    /// <inheritdoc cref="ICoordinatorState.RemoveDeviceAsync"/>
    internal Task<RemovalResult> RemoveAsync(string deviceId, CancellationToken cancel) => ApplyAsync(_state.RemoveDeviceAsync(deviceId, cancel));

    /// <inheritdoc cref="ICoordinatorState.RevokeDeviceAsync"/>
    internal Task<RemovalResult> RevokeDeviceAsync(string deviceId, CancellationToken cancel) => ApplyAsync(_state.RevokeDeviceAsync(deviceId, cancel));

    /// <inheritdoc cref="ICoordinatorState.RevokeUserAsync"/>
    internal Task<RemovalResult> RevokeUserAsync(byte[] identityKey, CancellationToken cancel) => ApplyAsync(_state.RevokeUserAsync(identityKey, cancel));

    /// <inheritdoc cref="ICoordinatorState.RevokeTokenAsync"/>
    internal async Task<RemovalResult?> RevokeTokenAsync(long tokenId, bool withDevices, CancellationToken cancel)
    {
        RemovalResult? result = await _state.RevokeTokenAsync(tokenId, withDevices, cancel).ConfigureAwait(false);
        if (result is not null)
        {
            Map.Apply(result);
        }
        return result;
    }

    /// <inheritdoc cref="ICoordinatorState.SetTransportOrderAsync"/>
    internal async Task<TransportOrderResult> SetTransportOrderAsync(string deviceId, string? otherId, IReadOnlyList<string> transports, CancellationToken cancel)
    {
        TransportOrderResult result = await _state.SetTransportOrderAsync(deviceId, otherId, transports, cancel).ConfigureAwait(false);
        Map.Apply(result);
        return result;
    }

    /// <summary>Takes a change of a group over into the map.</summary>
    internal async Task<GroupOutcome> ApplyAsync(ValueTask<GroupResult> change)
    {
        GroupResult result = await change.ConfigureAwait(false);
        Map.Apply(result);
        return result.Outcome;
    }

    /// <inheritdoc cref="ICoordinatorState.SetAdminsAsync"/>
    internal async Task<AdminResult> SetAdminsAsync(IReadOnlyList<string> entries, CancellationToken cancel)
    {
        AdminResult result = await _state.SetAdminsAsync(entries, cancel).ConfigureAwait(false);
        Map.Apply(result);
        return result;
    }

    private async Task<RemovalResult> ApplyAsync(ValueTask<RemovalResult> removal)
    {
        RemovalResult result = await removal.ConfigureAwait(false);
        Map.Apply(result);
        return result;
    }
}
