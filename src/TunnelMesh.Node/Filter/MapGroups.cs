using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>The groups as the network map tells them; before there is one, <c>everyone</c> alone. Any thread.</summary>
public sealed class MapGroups : IFilterGroups
{
    private volatile NetworkMap? _map;

    /// <summary>Goes by this map from now on. What was worked out before has to be worked out anew when <see cref="MapChange.GroupsChanged"/> says so.</summary>
    /// <param name="map">The newest map.</param>
    public void Take(NetworkMap map) => _map = map;

    /// <summary>The groups there are, built-in ones first, then by name; what a coordinator sends that is no name is left out.</summary>
    public IReadOnlyList<string> Names => [.. GroupName.BuiltIn.Where(Exists), .. (_map?.Groups ?? []).Where(GroupName.MayBeMade).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public bool IsMember(string group, string deviceId) => group == GroupName.Everyone ||
        (_map is { } map && map.Devices.TryGetValue(deviceId, out MapEntry? device) && device.Wire.Groups is { } own && own.Take(GroupName.MaxOfDevice).Contains(group));

    /// <inheritdoc/>
    public bool Exists(string group) => group == GroupName.Everyone || _map?.Groups?.Contains(group) == true;
}
