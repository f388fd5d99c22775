using System.Net;

namespace TunnelMesh.Node.Control;

/// <summary>Names inside the mesh, as people write them. Pure.</summary>
public static class MapNames
{
    private static readonly string[] Suffixes = [".tunnelmesh", ".mesh", ".tm"];

    /// <summary>The devices behind a name: NAME alone or with <c>.tunnelmesh</c>, <c>.mesh</c> or <c>.tm</c>, in any case; <c>this</c> names the coordinators.</summary>
    /// <param name="map">The map.</param>
    /// <param name="text">The name.</param>
    /// <param name="name">The label found, lower case.</param>
    /// <returns>The devices, by address; empty when there is none.</returns>
    public static IReadOnlyList<MapEntry> Find(NetworkMap map, string text, out string name)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(text);
        string label = text.Trim().TrimEnd('.').ToLowerInvariant();
        string? suffix = Array.Find(Suffixes, s => label.EndsWith(s, StringComparison.Ordinal));
        label = suffix is null ? label : label[..^suffix.Length];
        name = label;
        if (label == "this")
        {
            return [.. map.Devices.Values.Where(d => d.Wire.Coordinator).OrderBy(d => Order(d.Ip))];
        }
        if (map.ByName.TryGetValue(label, out MapEntry? entry))
        {
            return [entry];
        }
        // Aliases are few and asked for seldom: no table of them is kept.
        return [.. map.Devices.Values.Where(d => d.Wire.Aliases.Contains(label)).OrderBy(d => Order(d.Ip))];
    }

    /// <summary>The one device that is meant: an ID counts before an address and that before a name as <see cref="Find"/> takes it, since members choose names.</summary>
    /// <param name="map">The map.</param>
    /// <param name="text">Device ID, mesh address or name.</param>
    /// <param name="ownId">Where a name means several devices, this one comes last.</param>
    /// <returns>Null when there is none.</returns>
    public static MapEntry? FindDevice(NetworkMap map, string text, string ownId)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(text);
        if (map.Devices.TryGetValue(text.ToLowerInvariant(), out MapEntry? byId))
        {
            return byId;
        }
        return IPAddress.TryParse(text, out IPAddress? address) && map.Devices.Values.FirstOrDefault(d => d.Ip.Equals(address) || d.Ip6.Equals(address)) is { } byAddress
            ? byAddress
            : Find(map, text, out _).OrderBy(d => d.Id == ownId).FirstOrDefault();
    }

    private static uint Order(IPAddress ip)
    {
        Span<byte> bytes = stackalloc byte[16];
        ip.TryWriteBytes(bytes, out _);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
