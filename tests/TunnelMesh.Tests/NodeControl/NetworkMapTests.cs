using System.Security.Cryptography;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.NodeControl;

public sealed class NetworkMapTests
{
    private static readonly byte[] Root = new byte[32];
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly MeshInfo Mesh = new() { MeshId = "123456789a", Cidr = "10.42.0.0/16", Cidr6 = "fd12:3456:789a::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };
    private readonly List<KeyPinChange> _changes = [];
    private readonly KeyPins _pins;

    public NetworkMapTests() => _pins = new KeyPins(new Dictionary<string, string>(), _changes.Add);

    internal static MapDevice Device(string name, int host, DeviceKey? key = null)
    {
        IdentityKey identity = IdentityKey.Generate(RandomNumberGenerator.Fill);
        key ??= DeviceKey.Generate(RandomNumberGenerator.Fill);
        return new MapDevice
        {
            Id = DeviceId.FromDeviceKey(key.Public),
            User = PeerId.FromIdentityKey(identity.PublicKey),
            Name = name,
            Ip = $"10.42.0.{host}",
            Ip6 = $"fd12:3456:789a::a2a:{host:x}",
            Prefixes = [$"10.42.0.{host}/32"],
            DeviceKey = key.Public.ToArray(),
            IdentityKey = identity.PublicKey.ToArray(),
            Record = DeviceRecord.Create(identity, name, Root, key.Public, 1, 0),
        };
    }

    internal static MapFull Full(params MapDevice[] devices) => new() { Epoch = "e", Number = 5, Mesh = Mesh, Devices = devices, Coordinators = [] };

    private MapChange Start(params MapDevice[] devices) => NetworkMap.FromFull(Full(devices), Root, null, _pins, Now);

    [Fact]
    public void Deltas_add_remove_and_change_presence()
    {
        MapDevice a = Device("a", 1), b = Device("b", 2);
        MapChange change = Start(a).Map.Apply(new MapDelta
        {
            Epoch = "e",
            From = 5,
            Number = 7,
            Upserted = [b],
            Removed = [a.Id],
            Presence = [new PresenceChange { Id = b.Id, Online = true, LastSeen = 9 }],
        }, _pins, Now);
        Assert.Equal(b.Id, Assert.Single(change.Map.Devices).Key);
        Assert.True(change.Map.ByName["b"].Wire.Online);
        Assert.Equal(7, change.Map.Number);
        Assert.Equal(a.Id, Assert.Single(change.Removed).Id);
    }

    [Theory]
    [InlineData("e", 6, 7)]
    [InlineData("other", 5, 6)]
    public void A_missing_number_or_another_epoch_is_a_gap(string epoch, long from, long number) =>
        Assert.True(Start().Map.Apply(new MapDelta { Epoch = epoch, From = from, Number = number }, _pins, Now).Gap);

    [Fact]
    public void Entries_that_do_not_hold_are_dropped_and_counted()
    {
        MapDevice good = Device("good", 1), other = Device("other", 2);
        byte[] forged = [.. other.Record];
        forged[^1] ^= 1;
        MapChange change = Start(good, other with { Record = forged }, other with { DeviceKey = good.DeviceKey },
            other with { Ip = "192.0.2.1" }, other with { Record = good.Record }, other with { Ip = good.Ip });
        Assert.Equal(5, change.Dropped);
        Assert.Single(change.Map.Devices);
    }

    [Fact]
    public void A_name_with_another_key_is_reported()
    {
        Start(Device("a", 1));
        Start(Device("a", 1));
        Assert.Equal("a", Assert.Single(_changes).Name);
    }

    [Fact]
    public void Names_without_end_push_out_those_that_nobody_has_and_never_one_on_the_map()
    {
        List<KeyPinChange> changed = [];
        string key = new('0', 64);
        KeyPins pins = new(Enumerable.Range(0, KeyPins.MaxNames).ToDictionary(i => $"gone{i}", _ => key), changed.Add);
        NetworkMap.FromFull(Full(Device("a", 1), Device("gone7", 2)), Root, null, pins, Now);
        Assert.Equal(["a", "gone7"], pins.Snapshot().Keys.Order());
        // What was pinned to it before still counts.
        Assert.Equal("gone7", Assert.Single(changed).Name);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(1_700_000_000, true)]
    [InlineData(long.MaxValue, false)]
    public void A_last_contact_that_is_no_time_is_none(long seconds, bool known) =>
        Assert.Equal(known ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null, Assert.Single(Start(Device("a", 1) with { LastSeen = seconds }).Map.Devices.Values).LastSeen);

    [Fact]
    public void A_prefix_that_leads_out_of_the_mesh_is_left_out_and_one_that_is_none_drops_the_device()
    {
        MapDevice exit = Device("exit", 1) with { Prefixes = ["0.0.0.0/0", "10.0.0.0/8", "10.42.0.1/32", "192.168.1.0/24", "::/0", "fd12:3456:789a::1/128"] };
        MapChange start = Start(exit, Device("odd", 2) with { Prefixes = ["10.42.0.2"] });
        Assert.Equal(["10.42.0.1/32", "fd12:3456:789a::1/128"], Assert.Single(start.Map.Devices.Values).Prefixes.Select(p => p.ToString()));
        Assert.Equal(1, start.Dropped);
    }
}
