using CsCheck;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class TransportOrdersTests
{
    private static readonly PathTransport[] All = [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay];

    private static readonly string[] Names = ["udp", "ssh", "relay", "other"];

    private static TransportPreference Order(long number, string transports, MapDevice? with = null) =>
        new() { Number = number, Transports = transports.Split(','), With = with?.Id };

    [Fact]
    public void A_pairs_order_counts_before_a_devices_and_of_two_the_later_alike_from_both_sides()
    {
        MapDevice a = NetworkMapTests.Device("a", 1), b = NetworkMapTests.Device("b", 2), c = NetworkMapTests.Device("c", 3);
        Assert.Null(Between(a, b));
        MapDevice earlier = a with { Preferences = [Order(1, "ssh")] }, later = b with { Preferences = [Order(2, "relay")] };
        Assert.Equal("ssh", Between(earlier, b));
        Assert.Equal("relay", Between(earlier, later));
        Assert.Equal("udp", Between(earlier with { Preferences = [Order(0, "udp", b), Order(1, "ssh"), Order(3, "ssh", c)] }, later));
        // The other device of the pair may not be in the map, nor this one.
        Assert.Equal("relay", TransportOrders.Between(null, later with { Preferences = [.. later.Preferences!, Order(9, "ssh", a)] })?.Transports[0]);

        static string? Between(MapDevice one, MapDevice two)
        {
            string? seen = TransportOrders.Between(one, two)?.Transports[0];
            Assert.Equal(seen, TransportOrders.Between(two, one)?.Transports[0]);
            return seen;
        }
    }

    [Theory]
    [InlineData("relay", "Relay,Udp,Ssh")]
    [InlineData("ssh,relay", "Ssh,Relay,Udp")]
    [InlineData("pigeon,ssh,ssh", "Ssh,Udp,Relay")]
    [InlineData("pigeon", "Udp,Ssh,Relay")]
    public void Named_transports_come_first_and_the_others_after_them_as_they_were(string order, string expected) =>
        Assert.Equal(expected, string.Join(',', TransportOrders.Apply(All, Order(1, order))));

    [Fact]
    public void No_order_adds_or_takes_away_a_transport() =>
        Gen.Select(Gen.Shuffle(All, 0, 3), Gen.Int[0, 3].Select(i => Names[i]).Array[0, 8]).Sample((usable, names) =>
        {
            IReadOnlyList<PathTransport> ordered = TransportOrders.Apply(usable, new TransportPreference { Number = 1, Transports = names });
            return ordered.Order().SequenceEqual(usable.Order());
        });

    [Fact]
    public void A_changed_order_is_a_change_of_the_map_that_reaches_the_data_plane()
    {
        MapDevice a = NetworkMapTests.Device("a", 1), b = NetworkMapTests.Device("b", 2);
        KeyPins pins = new(new Dictionary<string, string>(), _ => { });
        NetworkMap start = NetworkMap.FromFull(NetworkMapTests.Full(a, b), new byte[32], null, pins, DateTimeOffset.UnixEpoch).Map;
        MapChange change = start.Apply(Delta(5, [Order(6, "ssh")]), pins, DateTimeOffset.UnixEpoch);
        Assert.Equal(a.Id, Assert.Single(change.Upserted).Id);
        Assert.Equal(["Ssh", "Udp", "Relay"], Peer(change.Map, a).Transports.Select(t => t.ToString()));
        Assert.Equal(["Ssh", "Udp", "Relay"], Peer(change.Map, b).Transports.Select(t => t.ToString()));

        // What presence alone changes does not touch it, and the cache keeps it.
        MapChange presence = change.Map.Apply(Delta(6, null), pins, DateTimeOffset.UnixEpoch);
        Assert.Empty(presence.Upserted);
        NetworkMap cached = NetworkMap.FromFull(presence.Map.ToWire(), new byte[32], null, pins, DateTimeOffset.UnixEpoch).Map;
        Assert.Equal(PathTransport.Ssh, Peer(cached, a).Transports[0]);
        MapChange gone = presence.Map.Apply(Delta(7, []), pins, DateTimeOffset.UnixEpoch);
        Assert.Single(gone.Upserted);
        Assert.Equal(All, Peer(gone.Map, b).Transports);

        MapDelta Delta(long from, IReadOnlyList<TransportPreference>? preferences) => new()
        {
            Epoch = "e",
            From = from,
            Number = from + 1,
            Presence = [new PresenceChange { Id = a.Id, Online = true, LastSeen = from, Preferences = preferences }],
        };

        static PeerSpec Peer(NetworkMap map, MapDevice own) => Assert.Single(MapPeers.Build(map, own.Id, [], [], All));
    }
}
