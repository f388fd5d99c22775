using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

public sealed class LiveMapTests
{
    private static readonly MeshInfo Mesh = new() { MeshId = "0123456789", Cidr = "10.42.0.0/16", Cidr6 = "fd01:2345:6789::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 };

    internal static DeviceRow Row(string name, int host)
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        return new DeviceRow
        {
            Id = DeviceId.FromDeviceKey(key),
            UserId = PeerId.FromIdentityKey(key),
            Name = name,
            DeviceKey = key,
            IdentityKey = key,
            Ip = IPAddress.Parse($"10.42.0.{host}"),
            Ip6 = IPAddress.Parse($"fd01:2345:6789::{host:x}"),
            Record = [1],
            RecordGeneration = 1,
        };
    }

    private static RegistrationResult Registered(DeviceRow row, long number) => new(row, true, true, number);

    private static MapMessage Message(long from, long number, int bytes = 1) => new(from, number, new byte[bytes], WebSocketMessageType.Text);

    [Fact]
    public void What_is_said_to_the_filter_goes_out_once_and_to_whoever_comes_later()
    {
        MapFilter first = new() { ServicePorts = [9443] }, second = new() { DefaultDeny = true };
        LiveMap map = new("e", 5, Mesh, [Row("a", 1)], filter: first);
        Assert.Null(map.TakeDelta());
        Assert.Same(first, map.Snapshot().Filter);
        map.SetFilter(second);
        MapDelta delta = map.TakeDelta()!;
        Assert.Equal((5, 6), (delta.From, delta.Number));
        Assert.Same(second, delta.Filter);
        Assert.Same(second, map.Snapshot().Filter);
        map.SetCoordinators([]);
        Assert.Null(map.TakeDelta()!.Filter);
    }

    [Fact]
    public void Who_lets_traffic_out_is_told_with_its_presence_and_stays_told_while_it_is_away()
    {
        DeviceRow a = Row("a", 1);
        LiveMap map = new("e", 5, Mesh, [a]);
        Reachability here = new(["192.0.2.1:1"], ["udp"], "1");
        map.SetPresence(a.Id, true, 10, here with { AllowsExit = true });
        Assert.True(Assert.Single(map.TakeDelta()!.Presence).AllowsExit);
        // An update of endpoints says nothing about it.
        map.SetPresence(a.Id, true, 11, here with { Endpoints = ["192.0.2.2:1"] });
        Assert.True(Assert.Single(map.TakeDelta()!.Presence).AllowsExit);
        map.SetPresence(a.Id, false, 12, null);
        Assert.Null(Assert.Single(map.TakeDelta()!.Presence).AllowsExit);
        Assert.True(Assert.Single(map.Snapshot().Devices).AllowsExit);
        map.SetPresence(a.Id, true, 13, here with { AllowsExit = false });
        Assert.False(Assert.Single(map.TakeDelta()!.Presence).AllowsExit);
    }

    [Fact]
    public void Every_change_has_a_number_and_deltas_follow_one_another_without_a_gap()
    {
        DeviceRow a = Row("a", 1), b = Row("b", 2);
        LiveMap map = new("e", 5, Mesh, [a]);
        Assert.Null(map.TakeDelta());
        map.Apply(Registered(b, 6));
        map.SetPresence(a.Id, true, 10, new Reachability(["192.0.2.1:1"], ["udp"], "1"));
        MapDelta first = map.TakeDelta()!;
        Assert.Equal((5, 7), (first.From, first.Number));
        Assert.Equal("b", Assert.Single(first.Upserted).Name);
        PresenceChange came = Assert.Single(first.Presence);
        Assert.Equal((true, 10, "1"), (came.Online, came.LastSeen, came.ProgramVersion));
        Assert.Equal(["192.0.2.1:1"], came.Endpoints!);

        // Nothing but presence: a device that comes back unchanged costs a few bytes.
        map.SetPresence(a.Id, false, 20, null);
        map.SetPresence(a.Id, true, 30, new Reachability(["192.0.2.1:1"], ["udp"], "1"));
        MapDelta second = map.TakeDelta()!;
        Assert.Equal((7, 9), (second.From, second.Number));
        Assert.Null(Assert.Single(second.Presence).Endpoints);

        map.Apply(new RemovalResult([b.Id], 7));
        MapDelta third = map.TakeDelta()!;
        Assert.Equal([b.Id], third.Removed);
        Assert.Equal(10, map.Number);
        Assert.Single(map.Snapshot().Devices);
    }

    [Fact]
    public void What_says_nothing_new_takes_no_number()
    {
        DeviceRow a = Row("a", 1);
        LiveMap map = new("e", 5, Mesh, [a]);
        map.SetPresence(a.Id, false, 99, null);
        map.Apply(new RegistrationResult(a, false, false, 5));
        map.Apply(new RemovalResult([], 5));
        Assert.False(map.SetPresence("nobody", true, 1, null));
        Assert.Null(map.TakeDelta());
    }

    [Fact]
    public void Answers_of_the_disk_may_come_in_any_order()
    {
        DeviceRow a = Row("a", 1);
        LiveMap map = new("e", 0, Mesh, []);
        map.Apply(new RemovalResult([a.Id], 2));
        map.Apply(Registered(a, 1));
        Assert.Null(map.Find(a.Id));
        map.Apply(Registered(a with { ProgramVersion = "new" }, 4));
        map.Apply(Registered(a with { ProgramVersion = "old" }, 3));
        Assert.Equal("new", map.Find(a.Id)!.ProgramVersion);
        Assert.Equal(4, map.Number);
        map.Apply(new RemovalResult([a.Id], 2));
        Assert.NotNull(map.Find(a.Id));
    }

    [Fact]
    public void The_ring_gives_each_viewer_the_first_delta_it_lacks_or_says_that_it_is_behind()
    {
        Gen.Select(Gen.Int[1, 5].Array[1, 60], Gen.Int[1, 12]).Sample((steps, capacity) =>
        {
            DeltaRing ring = new(capacity, long.MaxValue);
            long number = 100;
            List<MapMessage> all = [];
            foreach (int step in steps)
            {
                all.Add(Message(number, number += step));
                ring.Add(all[^1]);
            }
            MapMessage[] kept = [.. all.TakeLast(capacity)];
            for (long held = 100; held <= number; held++)
            {
                MapMessage? next = ring.After(held, out bool behind);
                Assert.Equal(held < kept[0].From, behind);
                Assert.Equal(behind ? null : kept.FirstOrDefault(m => m.Number > held), next);
                Assert.Equal(behind ? long.MaxValue : kept.Count(m => m.Number > held), ring.BytesAfter(held));
            }
        });
    }

    [Fact]
    public void The_ring_is_bounded_in_bytes_and_takes_no_gap()
    {
        DeltaRing ring = new(100, 10);
        ring.Add(Message(0, 1, 6));
        ring.Add(Message(1, 2, 6));
        Assert.Null(ring.After(0, out bool behind));
        Assert.True(behind);
        ring.Add(Message(2, 3, 500));
        Assert.Equal(3, ring.After(2, out _)!.Number);
        Assert.Throws<ArgumentException>(() => ring.Add(Message(7, 8)));
    }

    [Fact]
    public async Task Changes_are_published_at_once_when_it_was_quiet_and_merged_after_that()
    {
        FakeTimeProvider time = new();
        DeviceRow a = Row("a", 1);
        LiveMap map = new("e", 0, Mesh, [a]);
        using SemaphoreSlim published = new(0);
        await using MapPublisher publisher = new(map, () => 0, () => published.Release(), time, NullLogger.Instance);
        CancellationToken cancel = TestContext.Current.CancellationToken;
        map.SetPresence(a.Id, true, 1, null);
        await published.WaitAsync(cancel);
        Assert.Equal(1, publisher.Next(0, out _)!.Number);
        for (int i = 0; i < 10; i++)
        {
            map.SetPresence(a.Id, i % 2 == 1, 1, null);
        }
        Assert.Null(publisher.Next(1, out bool full));
        Assert.False(full);
        while (!await published.WaitAsync(10, cancel))
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
        }
        MapMessage merged = publisher.Next(1, out _)!;
        Assert.Equal((1, 11), (merged.From, merged.Number));
        Assert.Null(publisher.Next(-1, out full));
        Assert.True(full);
        Task<MapMessage> one = publisher.FullAsync(), two = publisher.FullAsync();
        Assert.Same(await one, await two);
        Assert.Equal(11, (await one).Number);
    }

    [Fact]
    public void The_interval_grows_with_the_streams_to_half_a_second() =>
        Assert.Equal([100, 200, 500, 500], new[] { 0, 1000, 4000, 10_000 }.Select(n => MapPublisher.Interval(n).TotalMilliseconds));
}
