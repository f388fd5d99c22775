using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class MapKeeperTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-map").FullName;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly KeyPins _pins = new(new Dictionary<string, string>(), _ => { });

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private MapChange Full(params MapDevice[] devices) => NetworkMap.FromFull(NetworkMapTests.Full(devices), new byte[32], null, _pins, _clock.GetUtcNow());

    [Fact]
    public async Task The_last_map_and_the_pins_are_on_disk_after_the_end()
    {
        PeerStore store = new(_directory, _clock);
        await using (MapKeeper keeper = new(store, _pins, _clock, e => throw e))
        {
            keeper.Update(Full(NetworkMapTests.Device("a", 1)));
            keeper.Update(Full(NetworkMapTests.Device("a", 1), NetworkMapTests.Device("b", 2)));
        }
        CachedMap kept = store.LoadMap()!;
        Assert.Equal(["a", "b"], kept.Map.Devices.Select(d => d.Name).Order());
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeMilliseconds(), kept.ConfirmedUnixMs);
        Assert.Equal(["a", "b"], store.LoadPins().Keys.Order());
    }

    [Fact]
    public async Task A_membership_that_is_over_leaves_no_map_behind()
    {
        PeerStore store = new(_directory, _clock);
        await using (MapKeeper keeper = new(store, _pins, _clock, e => throw e))
        {
            keeper.Update(Full(NetworkMapTests.Device("a", 1)));
            keeper.Forget();
        }
        Assert.Null(store.LoadMap());
    }

    [Fact]
    public async Task What_is_said_to_the_filter_and_who_is_in_a_group_is_on_disk_soon_and_not_only_after_the_end()
    {
        PeerStore store = new(_directory, _clock);
        await using MapKeeper keeper = new(store, _pins, _clock, e => throw e);
        MapChange full = Full(NetworkMapTests.Device("a", 1));
        keeper.Update(full);
        await UntilAsync(() => store.LoadMap() is not null);
        MapChange filter = full.Map.Apply(new MapDelta { Epoch = "e", From = 5, Number = 6, Filter = new MapFilter { DefaultDeny = true } }, _pins, _clock.GetUtcNow());
        keeper.Update(filter);
        await UntilAsync(() => store.LoadMap()!.Map.Filter is { DefaultDeny: true });
        PresenceChange joined = new() { Id = full.Map.ByName["a"].Id, Online = false, LastSeen = 0, Groups = ["ops"] };
        keeper.Update(filter.Map.Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Groups = ["ops"], Presence = [joined] }, _pins, _clock.GetUtcNow()));
        await UntilAsync(() => store.LoadMap()!.Map is { Groups: ["ops"], Devices: [{ Groups: ["ops"] }] });

        // Far from the time at which the map is confirmed anew in any case.
        async Task UntilAsync(Func<bool> condition)
        {
            for (int i = 0; !condition(); i++)
            {
                Assert.True(i < 100, "nothing was written");
                _clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task A_map_that_stays_connected_is_confirmed_anew_at_the_end()
    {
        PeerStore store = new(_directory, _clock);
        MapChange map = Full(NetworkMapTests.Device("a", 1));
        await using (MapKeeper keeper = new(store, _pins, _clock, e => throw e))
        {
            keeper.Update(map);
        }
        _clock.Advance(TimeSpan.FromDays(2));
        DateTimeOffset later = _clock.GetUtcNow();
        await using (MapKeeper keeper = new(store, _pins, _clock, e => throw e))
        {
            keeper.Update(map);
            keeper.SetConnected(true);
        }
        Assert.Equal(later.ToUnixTimeMilliseconds(), store.LoadMap()!.ConfirmedUnixMs);
    }
}
