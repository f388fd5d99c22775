using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.Rendezvous;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

public sealed class RendezvousTests
{
    private static readonly IPAddress A = IPAddress.Parse("192.0.2.1"), B = IPAddress.Parse("192.0.2.2");
    private static readonly EndpointRules Rules = new(IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd01:2345:6789::/48"));
    private readonly FakeTimeProvider _time = new();

    private static Reachability Reach(IPAddress seen, params string[] own) =>
        Rules.From(new ControlHello { Version = 1, OldestVersion = 1, UdpPort = 2223, Endpoints = own, Transports = ["udp", "UDP!", "relay", "udp"], ProgramVersion = "1.0" }, seen);

    [Fact]
    public void Endpoints_are_those_others_may_reach_and_the_address_seen_always_finds_room()
    {
        Reachability reach = Reach(A, "198.51.100.1:1", "127.0.0.1:1", "0.0.0.0:1", "10.42.3.4:1", "[fd01:2345:6789::1]:1", "[::1]:1", "[fe80::1]:1", "169.254.1.1:1",
            "224.0.0.1:1", "255.255.255.255:1", "198.51.100.2", "198.51.100.3:0", "text", "", "[::ffff:198.51.100.4]:1", "198.51.100.1:1", "[2001:db8::1]:1");
        Assert.Equal(["198.51.100.1:1", "[2001:db8::1]:1", "192.0.2.1:2223"], reach.Endpoints);
        Assert.Equal(["udp", "relay"], reach.Transports!);
        Assert.Equal("1.0", reach.ProgramVersion);
        Reachability many = Reach(A.MapToIPv6(), [.. Enumerable.Range(1, 50).Select(i => $"198.51.100.{i}:1")]);
        Assert.Equal(EndpointRules.MaxEndpoints, many.Endpoints.Count);
        Assert.Equal("192.0.2.1:2223", many.Endpoints[^1]);
        Assert.Equal(["198.51.100.1:1"], Reach(IPAddress.Loopback, "198.51.100.1:1").Endpoints);
    }

    [Fact]
    public void A_restart_and_a_move_replace_the_old_stream_but_a_program_that_was_replaced_and_returns_proves_a_copy()
    {
        DeviceUse use = new(_time);
        Assert.True(use.Enter("one", A, replaces: false));
        Assert.True(use.Enter("one", B, replaces: true));
        Assert.True(use.Enter("two", B, replaces: true));
        Assert.True(use.Enter("two", B, replaces: true));
        Assert.False(use.Enter("one", A, replaces: true));
        // Both stay out for as long as both try.
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(ControlSessions.InUseRetrySeconds));
            Assert.False(use.Enter("two", B, replaces: false));
            Assert.False(use.Enter("one", A, replaces: false));
        }
        _time.Advance(DeviceUse.Memory - TimeSpan.FromSeconds(1));
        Assert.False(use.Enter("two", B, replaces: false));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(use.Enter("two", B, replaces: false));
        Assert.True(use.Enter("three", B, replaces: true));
        Assert.False(use.IsOld);
        _time.Advance(DeviceUse.Memory);
        Assert.True(use.IsOld);
    }

    [Fact]
    public void A_stream_that_lives_long_counts_as_present_when_its_copy_comes()
    {
        DeviceUse use = new(_time);
        Assert.True(use.Enter("one", A, replaces: false));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.True(use.Enter("two", B, replaces: true));
        Assert.False(use.Enter("one", A, replaces: true));
    }

    [Fact]
    public void A_copied_memory_image_shows_by_its_address_going_back_and_forth()
    {
        DeviceUse use = new(_time);
        bool accepted = use.Enter("same", A, replaces: false);
        for (int i = 1; i < DeviceUse.MaxMoves; i++)
        {
            accepted &= use.Enter("same", i % 2 == 0 ? A : B, replaces: true);
        }
        Assert.True(accepted);
        Assert.False(use.Enter("same", A, replaces: true));
        DeviceUse still = new(_time);
        Assert.True(Enumerable.Range(0, 50).All(i => still.Enter("same", A, replaces: i > 0)));
    }

    [Fact]
    public void A_budget_runs_out_and_fills_again()
    {
        MessageBudget budget = new(_time);
        Assert.True(budget.TryTake(MessageBudget.Burst));
        Assert.False(budget.TryTake(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(budget.TryTake(MessageBudget.PerSecond));
        Assert.False(budget.TryTake(1));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(budget.TryTake(MessageBudget.Burst));
        Assert.False(budget.TryTake(1));
    }
}
