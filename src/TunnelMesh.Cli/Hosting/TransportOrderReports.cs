using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The orders of transports that the mesh keeps, as `transport` shows and changes them on a coordinator.</summary>
/// <param name="map">Names the devices.</param>
/// <param name="ownId">Device ID of the coordinator.</param>
/// <param name="load">Reads the orders.</param>
/// <param name="set">Changes one: device, other device or null, order.</param>
internal sealed class TransportOrderReports(NetworkMap map, string ownId,
    Func<CancellationToken, Task<IReadOnlyList<TransportOrderRow>>> load, Func<string, string?, IReadOnlyList<string>, CancellationToken, Task<TransportOrderOutcome>> set)
{
    /// <inheritdoc cref="ILocalApiHandler.TransportsAsync"/>
    public async Task<IReadOnlyList<TransportReport>> AnswerAsync(string? peer, string? with, IReadOnlyList<string>? transports, CancellationToken cancellation)
    {
        MapEntry? device = peer is null ? null : Find(peer), other = with is null ? null : Find(with);
        if (transports is not null)
        {
            if (device is null)
            {
                throw new LocalApiException(LocalErrorCodes.BadRequest, "An order of transports belongs to a device or a pair; say which.");
            }
            if (FaultOf(transports) is { } fault)
            {
                throw new LocalApiException(LocalErrorCodes.BadRequest, fault);
            }
            Judge(await set(device.Id, other?.Id, transports, cancellation).ConfigureAwait(false), device, other);
        }
        IEnumerable<TransportOrderRow> rows = await load(cancellation).ConfigureAwait(false);
        return [.. Concerning(rows, device?.Id, other?.Id)
            .Select(r => r.OtherId is not null && r.OtherId == device?.Id ? Report(r.OtherId, r.DeviceId, r.Transports) : Report(r.DeviceId, r.OtherId, r.Transports))];
    }

    /// <summary>The orders that concern a device, or a pair: its own, and those of either of the two towards all devices.</summary>
    /// <param name="rows">All there are.</param>
    /// <param name="device">Device ID; null for all orders.</param>
    /// <param name="other">Device ID of the other one of a pair; null for none.</param>
    internal static IEnumerable<TransportOrderRow> Concerning(IEnumerable<TransportOrderRow> rows, string? device, string? other) => rows.Where(r =>
        device is null || (other is null ? r.DeviceId == device || r.OtherId == device
            : r.OtherId is null ? r.DeviceId == device || r.DeviceId == other
            : (r.DeviceId, r.OtherId) == (device, other) || (r.DeviceId, r.OtherId) == (other, device)));

    /// <summary>What is wrong with an order; null when it may be set.</summary>
    /// <param name="transports">Any text, also null in it, as JSON may bring; empty to take an order away.</param>
    internal static string? FaultOf(IReadOnlyList<string?> transports)
    {
        string[] known = [.. Enum.GetValues<PathTransport>().Select(PathNames.Of)];
        if (transports.Where(t => !known.Contains(t)).Take(1).ToArray() is [var unknown])
        {
            return $"`{unknown}` is no transport; there are {string.Join(", ", known)}, with commas between, or `default`.";
        }
        return transports.Distinct().Count() != transports.Count ? "An order names each transport once." : null;
    }

    private static void Judge(TransportOrderOutcome outcome, MapEntry device, MapEntry? other)
    {
        switch (outcome)
        {
            case TransportOrderOutcome.UnknownDevice:
                throw new LocalApiException(LocalErrorCodes.NotFound, device.Id == other?.Id
                    ? $"A pair is two devices, and `{device.Name}` is one."
                    : $"{device.Name}{(other is null ? " is" : $" or {other.Name} is")} no device of the mesh any more. `tunnelmesh peers` lists them.");
            case TransportOrderOutcome.TooMany:
                throw new LocalApiException(LocalErrorCodes.Failed,
                    "There are as many orders of transports as this device, or the mesh, may have. Take some away (`tunnelmesh transport` lists them), or set one for the device instead of its pairs.");
            default:
                break;
        }
    }

    private TransportReport Report(string id, string? other, IReadOnlyList<string> transports) => new()
    {
        Name = NameOf(id),
        DeviceId = id,
        With = other is null ? null : NameOf(other),
        WithDeviceId = other,
        Transports = transports,
    };

    private string NameOf(string id) => map.Devices.GetValueOrDefault(id)?.Name ?? id;

    private MapEntry Find(string peer) => MapNames.FindDevice(map, peer, ownId) ?? throw UnknownDevice.Error(map, peer);
}
