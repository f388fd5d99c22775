using TunnelMesh.Node.Control;

namespace TunnelMesh.Node.ExitNode;

/// <summary>The exit peer as the map has it.</summary>
/// <param name="Device">The device, when traffic may be sent to it.</param>
/// <param name="State"><see cref="ExitState.Offline"/> where that is left to be found out.</param>
public readonly record struct ExitChoice(MapEntry? Device, ExitState State)
{
    /// <summary>Looks it up. Pure.</summary>
    /// <param name="map">The map; null while there is none.</param>
    /// <param name="name">Name, alias, mesh address or device ID.</param>
    /// <param name="ownId">This device.</param>
    public static ExitChoice Of(NetworkMap? map, string name, string ownId)
    {
        if (map is null)
        {
            return new ExitChoice(null, ExitState.Starting);
        }
        if (MapNames.FindDevice(map, name, ownId) is not { } device)
        {
            return new ExitChoice(null, ExitState.Unknown);
        }
        if (device.Id == ownId)
        {
            return new ExitChoice(null, ExitState.Self);
        }
        // Of a device that is away a coordinator that was started anew does not know it.
        return device.Wire.AllowsExit ? new ExitChoice(device, ExitState.Offline)
            : new ExitChoice(null, device.Wire.Online ? ExitState.NotOffered : ExitState.Offline);
    }

    /// <summary>Devices that let others' traffic out, by name.</summary>
    public static IReadOnlyList<string> Offers(NetworkMap map, string ownId)
    {
        ArgumentNullException.ThrowIfNull(map);
        return [.. map.Devices.Values.Where(d => d.Wire.AllowsExit && d.Id != ownId).Select(d => d.Name).Order(StringComparer.Ordinal)];
    }
}
