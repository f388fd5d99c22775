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

    [Fact]
    public void A_delta_that_is_about_coordinators_alone_says_so_and_others_leave_them()
    {
        MapCoordinator moved = new() { Name = "hub", Urls = ["https://192.0.2.2:8443"], Stun = ["192.0.2.2:3478"], RoleCertificate = [1] };
        MapChange first = Start(Device("a", 1));
        Assert.True(first.CoordinatorsChanged);
        MapChange second = first.Map.Apply(new MapDelta { Epoch = "e", From = 5, Number = 6, Coordinators = [moved] }, _pins, Now);
        Assert.True(second.CoordinatorsChanged);
        Assert.Same(moved, Assert.Single(second.Map.Coordinators));
        MapChange third = second.Map.Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Upserted = [Device("b", 2)] }, _pins, Now);
        Assert.False(third.CoordinatorsChanged);
        Assert.Same(moved, Assert.Single(third.Map.Coordinators));
    }

    [Fact]
    public void What_is_said_to_the_filter_is_kept_until_it_is_said_anew_and_with_the_map()
    {
        MapFilter first = new() { DefaultDeny = true, ServicePorts = [9443] }, second = new() { Rules = [new MapFilterRule { Port = "22", Protocol = "tcp", Action = "allow" }] };
        MapChange change = NetworkMap.FromFull(Full(Device("a", 1)) with { Filter = first }, Root, null, _pins, Now);
        Assert.True(change.FilterChanged);
        Assert.Same(first, change.Map.Filter);
        change = change.Map.Apply(new MapDelta { Epoch = "e", From = 5, Number = 6 }, _pins, Now);
        Assert.False(change.FilterChanged);
        Assert.Same(first, change.Map.Filter);
        change = change.Map.Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Filter = second }, _pins, Now);
        Assert.True(change.FilterChanged);
        Assert.Same(second, change.Map.Filter);
        Assert.Same(second, change.Map.ToWire().Filter);
        Assert.False(change.Map.Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Filter = first }, _pins, Now).FilterChanged);
    }

    [Fact]
    public void Groups_change_with_the_devices_that_are_in_them_and_are_kept_with_the_map()
    {
        MapDevice a = Device("a", 1), b = Device("b", 2);
        MapChange change = NetworkMap.FromFull(Full(a with { Groups = ["ops"] }) with { Groups = ["ops"] }, Root, null, _pins, Now);
        Assert.True(change.GroupsChanged);
        Assert.Equal(["ops"], change.Map.Groups!);
        int number = 5;
        Assert.False(Next(new PresenceChange { Id = a.Id, Online = true, LastSeen = 1 }));
        Assert.Equal(["ops"], change.Map.Devices[a.Id].Wire.Groups!);
        Assert.False(Next(new PresenceChange { Id = a.Id, Online = true, LastSeen = 1, Groups = ["ops"] }));
        Assert.True(Next(new PresenceChange { Id = a.Id, Online = true, LastSeen = 1, Groups = [] }));
        // Its record says the same as before, so nothing else is told of it.
        Assert.Empty(change.Upserted);
        Assert.True(Next(new PresenceChange { Id = a.Id, Online = true, LastSeen = 1, Groups = ["ops"] }));
        MapFull kept = Assert.IsType<MapFull>(ControlCodec.DecodePacked(ControlCodec.Pack(ControlCodec.Encode(change.Map.ToWire())), 1 << 20));
        Assert.True(kept is { Groups: ["ops"], Devices: [{ Groups: ["ops"] }] });

        // Devices that come and go bring their groups, and take them along.
        Assert.False(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Upserted = [b] }));
        Assert.False(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Removed = [b.Id] }));
        Assert.True(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Upserted = [b with { Groups = ["ops"] }] }));
        Assert.True(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Removed = [b.Id] }));
        Assert.False(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Upserted = [a with { Groups = ["ops"] }] }));
        Assert.True(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Upserted = [a] }));
        Assert.True(Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Groups = [] }));
        Assert.Empty(change.Map.Groups!);

        bool Next(PresenceChange presence) => Apply(new MapDelta { Epoch = "e", From = number, Number = ++number, Presence = [presence] });

        bool Apply(MapDelta delta)
        {
            change = change.Map.Apply(delta, _pins, Now);
            Assert.False(change.Gap);
            return change.GroupsChanged;
        }
    }

    [Fact]
    public void A_map_that_was_kept_without_groups_is_asked_for_whole()
    {
        MapFull map = Full(Device("a", 1));
        Assert.Equal(-1, new CachedMap { ConfirmedUnixMs = 1, Map = map }.ToStart().Number);
        Assert.Same(map.Devices, new CachedMap { ConfirmedUnixMs = 1, Map = map }.ToStart().Devices);
        Assert.Equal(5, new CachedMap { ConfirmedUnixMs = 1, Map = map with { Groups = [] } }.ToStart().Number);
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
