using System.Net;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Control;

/// <summary>A device of the map, parsed and verified. Immutable.</summary>
public sealed class MapEntry
{
    private MapEntry(MapDevice wire, DeviceRecord record, IPAddress ip, IPAddress ip6, IPNetwork[] prefixes, IPEndPoint[] endpoints)
    {
        Wire = wire;
        Record = record;
        Ip = ip;
        Ip6 = ip6;
        Prefixes = prefixes;
        Endpoints = endpoints;
    }

    /// <summary>The entry as sent.</summary>
    public MapDevice Wire { get; }
    /// <summary>The verified record.</summary>
    public DeviceRecord Record { get; }
    /// <summary>Mesh IPv4 address.</summary>
    public IPAddress Ip { get; }
    /// <summary>Mesh IPv6 address.</summary>
    public IPAddress Ip6 { get; }
    /// <summary>Approved prefixes inside the mesh; others are left out: nothing leads out of the mesh through a peer.</summary>
    public IReadOnlyList<IPNetwork> Prefixes { get; }
    /// <summary>Candidate UDP endpoints, best first; unreadable ones are left out.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; }
    /// <summary>When the device was last connected; null for never, and for a number that is no time.</summary>
    public DateTimeOffset? LastSeen => Wire.LastSeen > 0 && Wire.LastSeen <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(Wire.LastSeen) : null;
    /// <summary>Device ID.</summary>
    public string Id => Wire.Id;
    /// <summary>Name in the mesh.</summary>
    public string Name => Wire.Name;
    /// <summary>Raw X25519 device key, 32 bytes.</summary>
    public ReadOnlySpan<byte> DeviceKey => Wire.DeviceKey;
    /// <summary>Raw Ed25519 identity key, 32 bytes.</summary>
    public ReadOnlySpan<byte> IdentityKey => Wire.IdentityKey;

    /// <summary>Parses and verifies; null when anything does not hold: IDs, record signature, keys, mesh, expiry, name, addresses, prefixes.</summary>
    /// <param name="device">As sent.</param>
    /// <param name="meshRootSha256">SHA-256 of the pinned root's DER.</param>
    /// <param name="mesh">The mesh, whose ranges hold the addresses.</param>
    /// <param name="now">For the record's expiry.</param>
    public static MapEntry? Parse(MapDevice device, ReadOnlySpan<byte> meshRootSha256, MeshInfo mesh, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(mesh);
        if (device.DeviceKey.Length != 32 || device.IdentityKey.Length != 32 ||
            device.Id != DeviceId.FromDeviceKey(device.DeviceKey) || device.User != PeerId.FromIdentityKey(device.IdentityKey) ||
            !MeshName.IsValid(device.Name) || device.Aliases.Any(a => !MeshName.IsValid(a)) ||
            !DeviceRecord.TryVerify(device.Record, device.IdentityKey, out DeviceRecord? record) || record is null ||
            !record.DeviceKey.Span.SequenceEqual(device.DeviceKey) || !record.MeshRoot.Span.SequenceEqual(meshRootSha256) || record.IsExpired(now) ||
            !mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) ||
            !IPAddress.TryParse(device.Ip, out IPAddress? ip) || !range4.Contains(ip) ||
            !IPAddress.TryParse(device.Ip6, out IPAddress? ip6) || !range6.Contains(ip6))
        {
            return null;
        }
        return TryPrefixes(device.Prefixes, range4, range6, out IPNetwork[] prefixes)
            ? new MapEntry(device, record, ip, ip6, prefixes, ParseEndpoints(device.Endpoints))
            : null;
    }

    /// <summary>The same device, seen or reachable otherwise; nothing is verified again because nothing signed has changed.</summary>
    internal MapEntry With(PresenceChange change) => new(
        Wire with
        {
            Online = change.Online,
            LastSeen = change.LastSeen,
            Endpoints = change.Endpoints ?? Wire.Endpoints,
            SshPort = change.SshPort ?? Wire.SshPort,
            Transports = change.Transports ?? Wire.Transports,
            Preferences = change.Preferences ?? Wire.Preferences,
            Groups = change.Groups ?? Wire.Groups,
            AllowsExit = change.AllowsExit ?? Wire.AllowsExit,
            ProgramVersion = change.ProgramVersion ?? Wire.ProgramVersion,
        },
        Record, Ip, Ip6, (IPNetwork[])Prefixes, change.Endpoints is null ? (IPEndPoint[])Endpoints : ParseEndpoints(change.Endpoints));

    private static IPEndPoint[] ParseEndpoints(IReadOnlyList<string> texts)
    {
        List<IPEndPoint> endpoints = new(texts.Count);
        foreach (string text in texts)
        {
            if (IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0)
            {
                endpoints.Add(endpoint);
            }
        }
        return [.. endpoints];
    }

    private static bool TryPrefixes(IReadOnlyList<string> texts, IPNetwork range4, IPNetwork range6, out IPNetwork[] prefixes)
    {
        List<IPNetwork> inside = new(texts.Count);
        bool good = true;
        foreach (string text in texts)
        {
            good &= IPNetwork.TryParse(text, out IPNetwork prefix);
            if (good && (IsInside(prefix, range4) || IsInside(prefix, range6)))
            {
                inside.Add(prefix);
            }
        }
        prefixes = [.. inside];
        return good;
    }

    private static bool IsInside(IPNetwork prefix, IPNetwork range) => prefix.PrefixLength >= range.PrefixLength && range.Contains(prefix.BaseAddress);
}
