using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Bench;

/// <summary>Makes the mesh of a peer that is stopped large: its cached map gets further devices, each signed as a real one. They are never online.</summary>
internal static class FullMap
{
    // Beyond what the coordinator has given out so far.
    private const int FirstHost = 255;

    /// <summary>Name of a device that was added, from 1 on.</summary>
    public static string NameOf(int number) => $"host-{number}";

    /// <summary>Fills a map.</summary>
    /// <param name="directory">Of the context, which has joined.</param>
    /// <param name="count">Devices to add.</param>
    /// <exception cref="InvalidOperationException">It has no map.</exception>
    public static void Run(string directory, int count)
    {
        PeerStore store = new(directory, TimeProvider.System);
        CachedMap cached = store.LoadMap() ?? throw new InvalidOperationException($"{directory} has no cached map: join first");
        PeerMembership member = store.LoadMembership()!;
        if (!cached.Map.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6))
        {
            throw new InvalidOperationException($"{directory} names no ranges of a mesh");
        }
        AddressRange room = MeshAddresses.DeviceRange(range4);
        byte[] root = SHA256.HashData(member.MeshRoot);
        MapDevice[] added = new MapDevice[count];
        Parallel.For(0, count, i => added[i] = Device(i + 1, room.At((uint)(FirstHost + i)), range6, root));
        store.SaveMap(cached with { Map = cached.Map with { Devices = [.. cached.Map.Devices, .. added] } });
    }

    private static MapDevice Device(int number, IPAddress ip, IPNetwork range6, byte[] root)
    {
        IdentityKey identity = IdentityKey.Generate(RandomNumberGenerator.Fill);
        DeviceKey device = DeviceKey.Generate(RandomNumberGenerator.Fill);
        IPAddress ip6 = MeshAddresses.ToIPv6(range6, ip);
        return new MapDevice
        {
            Id = DeviceId.FromDeviceKey(device.Public),
            User = PeerId.FromIdentityKey(identity.PublicKey),
            Name = NameOf(number),
            Ip = ip.ToString(),
            Ip6 = ip6.ToString(),
            Prefixes = [$"{ip}/32", $"{ip6}/128"],
            DeviceKey = device.Public.ToArray(),
            IdentityKey = identity.PublicKey.ToArray(),
            Record = DeviceRecord.Create(identity, NameOf(number), root, device.Public, 1, 0),
        };
    }
}
