using System.Net;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Maps and deltas as a viewer takes them: whatever decodes leaves a map that holds together, and peers for the data plane.</summary>
internal static class NetworkMapTarget
{
    private static readonly byte[] Root = new byte[32];
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(56);
    private static readonly MeshInfo Mesh = new() { MeshId = "123456789a", Cidr = "10.42.0.0/16", Cidr6 = "fd12:3456:789a::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };
    private static readonly MapFull Start = new()
    {
        Epoch = "e",
        Number = 5,
        Mesh = Mesh,
        Devices = [Device("a", 1), Device("b", 2), Device("c", 3) with { Groups = ["ops"] }],
        Coordinators = [new MapCoordinator { Name = "a", Urls = ["https://192.0.2.1:8443"], RoleCertificate = [1] }],
    };

    public static FuzzTarget Create() => new("network-map", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        ControlCodec.Encode(Start),
        ControlCodec.Encode(Start with { Mesh = Mesh with { Cidr = "10.42.0.0" } }),
        ControlCodec.Encode(Start with { Mesh = Mesh with { Cidr = "0.0.0.0/0", Cidr6 = "::/0" } }),
        ControlCodec.Encode(Start with { Devices = [Start.Devices[0], Start.Devices[0], Start.Devices[1] with { Prefixes = ["0.0.0.0/0", "10.42.0.2/32"] }] }),
        ControlCodec.Encode(new MapDelta
        {
            Epoch = "e", From = 5, Number = 7, Upserted = [Device("d", 4), Start.Devices[0] with { Name = "e" }], Removed = [Start.Devices[1].Id],
            Presence = [new PresenceChange { Id = Start.Devices[2].Id, Online = true, LastSeen = 5, Endpoints = ["192.0.2.1:2223", "10.42.0.1:1", "x"] }],
        }),
        ControlCodec.Encode(Start with { Devices = [Start.Devices[0] with { Preferences = [new TransportPreference { Transports = ["ssh", "x"], Number = 1 }, new TransportPreference { With = Start.Devices[1].Id, Transports = ["relay"], Number = 2 }] }, Start.Devices[1]] }),
        ControlCodec.Encode(Start with { Groups = ["all_admin_users", "ops"], Devices = [Start.Devices[0] with { Groups = ["ops", "x"] }, Start.Devices[1]] }),
        ControlCodec.Encode(new MapDelta
        {
            Epoch = "e", From = 5, Number = 6, Groups = ["ops"], Upserted = [Start.Devices[0] with { Groups = ["ops"] }], Removed = [Start.Devices[1].Id],
            Presence = [new PresenceChange { Id = Start.Devices[2].Id, Online = true, LastSeen = 5, Groups = [] }],
        }),
        "{\"type\":\"delta\",\"epoch\":\"e\",\"from\":5,\"number\":6}"u8.ToArray(),
    ];

    // Its first address and its last.
    private static bool IsPrivate(IPNetwork range)
    {
        byte[] first = range.BaseAddress.GetAddressBytes(), last = [.. first];
        for (int bit = range.PrefixLength; bit < last.Length * 8; bit++)
        {
            last[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }
        return IsPrivate(first) && IsPrivate(last);
    }

    private static bool IsPrivate(byte[] address) =>
        address.Length == 16 ? address[0] == 0xfd : address is [10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [100, >= 64 and < 128, ..];

    private static MapDevice Device(string name, int host)
    {
        // The same keys in every run.
        IdentityKey identity = IdentityKey.Generate(bytes => bytes.Fill((byte)host));
        DeviceKey device = DeviceKey.Generate(bytes => bytes.Fill((byte)(host + 100)));
        return new MapDevice
        {
            Id = DeviceId.FromDeviceKey(device.Public),
            User = PeerId.FromIdentityKey(identity.PublicKey),
            Name = name,
            Ip = $"10.42.0.{host}",
            Ip6 = $"fd12:3456:789a::{host:x}",
            Prefixes = [$"10.42.0.{host}/32", $"fd12:3456:789a::{host:x}/128"],
            DeviceKey = device.Public.ToArray(),
            IdentityKey = identity.PublicKey.ToArray(),
            Record = DeviceRecord.Create(identity, name, Root, device.Public, 1, 0),
            Endpoints = [$"192.0.2.{host}:2223"],
        };
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        KeyPins pins = new(new Dictionary<string, string>(), _ => { });
        NetworkMap before = NetworkMap.FromFull(Start, Root, null, pins, Now).Map;
        MapChange? change = ControlCodec.Decode(input.Span, out _) switch
        {
            MapFull full => NetworkMap.FromFull(full, Root, before, pins, Now),
            MapDelta delta => before.Apply(delta, pins, Now),
            _ => null,
        };
        if (change is null)
        {
            return;
        }
        NetworkMap map = change.Map;
        Check.That(map.ByName.Count == map.Devices.Count && map.ByAddress.Count == 2 * map.Devices.Count, "two devices share a name or an address");
        Check.That(map.Ranges.All(IsPrivate), "a range takes in what is not private");
        foreach (MapEntry entry in map.Devices.Values)
        {
            Check.That(entry.Id == DeviceId.FromDeviceKey(entry.DeviceKey) && DeviceRecord.TryVerify(entry.Wire.Record, entry.IdentityKey, out _), "an entry does not verify");
            Check.That(entry.Prefixes.All(p => map.Ranges.Any(r => r.Contains(p.BaseAddress) && p.PrefixLength >= r.PrefixLength)), "a prefix leads out of the mesh");
        }
        MapGroups groups = new();
        groups.Take(before);
        HashSet<string> was = InOps(before);
        groups.Take(map);
        Check.That(change.GroupsChanged || was.SetEquals(InOps(map)), "a filter is not told of a change of a group");
        IReadOnlyList<PeerSpec> peers = MapPeers.Build(map, Start.Devices[0].Id, [new IPEndPoint(IPAddress.Parse("192.0.2.9"), 2223)], [IPAddress.Parse("192.0.2.8")], [PathTransport.Udp, PathTransport.Relay]);
        Check.That(peers.Count == map.Devices.Count - (map.Devices.ContainsKey(Start.Devices[0].Id) ? 1 : 0), "a peer is missing");
        Check.That(peers.All(p => p.Candidates.Count <= MapPeers.MaxCandidates && !p.Candidates.Any(c => map.Ranges.Any(r => r.Contains(c.Address)))), "a tunnel would run inside the mesh");
        Check.That(peers.All(p => p.Transports.Distinct().Count() == p.Transports.Count && p.Transports.All(t => t is PathTransport.Udp or PathTransport.Relay)), "an order adds a transport");
        MapChange again = NetworkMap.FromFull(map.ToWire(), Root, map, pins, Now);
        Check.That(again.Map.Devices.Count == map.Devices.Count && again.Upserted.Count == 0 && again.Removed.Count == 0, "a map does not come back from the cache");
        groups.Take(again.Map);
        Check.That(InOps(map).SetEquals(InOps(again.Map)), "a group does not come back from the cache");

        HashSet<string> InOps(NetworkMap of) => [.. of.Devices.Keys.Where(id => groups.IsMember("ops", id))];
    }
}
