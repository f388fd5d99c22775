using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Tests.Coordinator;

namespace TunnelMesh.Tests.Transports;

/// <summary>Which connection of the carrier over SSH comes about, with whom, and which of several stays, on nodes over loopback.</summary>
public sealed class SshDiallingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task When_both_dial_at_once_both_keep_the_same_connection_and_lose_nothing()
    {
        for (int round = 0; round < 8; round++)
        {
            await using SshNode one = new(1), two = new(2);
            one.Transport.SetPeers([two.AsPeer(two.Endpoint)]);
            two.Transport.SetPeers([one.AsPeer(one.Endpoint)]);
            Parallel.Invoke(() => one.Transport.Prepare(2), () => two.Transport.Prepare(1));
            await one.Sink.WaitAsync(2, true, Cancel);
            await two.Sink.WaitAsync(1, true, Cancel);
            const int Count = 400;
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal(0, one.Transport.Send(2, BitConverter.GetBytes(i), 4));
                Assert.Equal(0, two.Transport.Send(1, BitConverter.GetBytes(i), 4));
                if (i % 20 == 0)
                {
                    await Task.Delay(1, Cancel);
                }
            }
            HashSet<int> atOne = [], atTwo = [];
            for (int i = 0; i < Count; i++)
            {
                atOne.Add(BitConverter.ToInt32(await one.Sink.ReceiveAsync(Cancel)));
                atTwo.Add(BitConverter.ToInt32(await two.Sink.ReceiveAsync(Cancel)));
            }
            Assert.Equal((Count, Count), (atOne.Count, atTwo.Count));
            await SshNode.UntilAsync(() => one.Transport.Connections == 1 && two.Transport.Connections == 1, Cancel);
            Assert.Equal(0, one.Transport.Send(2, [9, 9, 9, 9], 4));
            Assert.Equal([9, 9, 9, 9], await two.Sink.ReceiveAsync(Cancel));
            // One way that opened once, whatever there was below.
            Assert.Equal([(2, true)], one.Sink.Told);
            Assert.Equal([(1, true)], two.Sink.Told);
        }
    }

    [Fact]
    public async Task A_peer_that_was_removed_loses_its_connection_at_once_and_gets_none_again()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            two.Transport.SetPeers([]);
            Assert.False(two.Transport.IsOpen(1));
            Assert.Equal([(1, true), (1, false)], two.Sink.Told);
            await one.Sink.WaitAsync(2, false, Cancel);
            Assert.Equal(1, two.Transport.Send(1, [1], 1));
            one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.Loopback, 1), two.Endpoint)]);
            one.Transport.Prepare(2);
            await SshNode.UntilAsync(() => one.Transport.LastFailure(2) is not null, Cancel);
            Assert.Contains("does not let this device in", one.Transport.LastFailure(2), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_host_key_is_refused()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            one.Transport.SetPeers([two.AsPeer(two.Endpoint) with { IdentityKey = RandomNumberGenerator.GetBytes(32) }]);
            one.Transport.Prepare(2);
            await SshNode.UntilAsync(() => one.Transport.LastFailure(2) is not null, Cancel);
            Assert.Contains("host key", one.Transport.LastFailure(2), StringComparison.Ordinal);
            await SshNode.UntilAsync(() => two.Transport.Counters.Refused == 1, Cancel);
            Assert.Empty(one.Sink.Told);
            Assert.Empty(two.Sink.Told);
        }
    }

    [Fact]
    public async Task Of_two_devices_with_one_identity_the_one_that_is_meant_is_found()
    {
        IdentityKey shared = IdentityKey.Generate(RandomNumberGenerator.Fill);
        await using SshNode one = new(1), two = new(2, shared), three = new(3, shared);
        one.Transport.SetPeers([two.AsPeer(three.Endpoint, two.Endpoint), three.AsPeer(three.Endpoint)]);
        two.Transport.SetPeers([one.AsPeer(), three.AsPeer()]);
        three.Transport.SetPeers([one.AsPeer(), two.AsPeer()]);
        await one.OpenAsync(two, Cancel);
        Assert.False(three.Transport.IsOpen(1));
        one.Transport.Send(2, [2], 1);
        Assert.Equal([2], await two.Sink.ReceiveAsync(Cancel));
        await one.OpenAsync(three, Cancel);
        // Their keys are the same, so each may be the client of the other as well.
        two.Transport.SetPeers([one.AsPeer(), three.AsPeer(three.Endpoint)]);
        await two.OpenAsync(three, Cancel);
    }

    [Fact]
    public async Task Dead_and_silent_endpoints_do_not_hold_up_the_good_one()
    {
        using Socket silent = TcpPort.Listen(0, null);
        using Socket dead = TcpPort.Listen(0, null);
        IPEndPoint refused = new(IPAddress.Loopback, ((IPEndPoint)dead.LocalEndPoint!).Port);
        dead.Dispose();
        await using SshNode one = new(1), two = new(2);
        one.Transport.SetPeers([two.AsPeer(refused, new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)silent.LocalEndPoint!).Port), two.Endpoint)]);
        two.Transport.SetPeers([one.AsPeer()]);
        long start = Stopwatch.GetTimestamp();
        await one.OpenAsync(two, Cancel);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(8), "the handshake limit of the silent one was waited for");
        await SshNode.UntilAsync(() => one.Transport.Connections == 1, Cancel);
    }

    [Fact]
    public async Task The_listener_takes_both_families()
    {
        await using SshNode one = new(1), two = new(2);
        one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.IPv6Loopback, two.Transport.Port))]);
        two.Transport.SetPeers([one.AsPeer(one.Endpoint)]);
        await one.OpenAsync(two, Cancel);
    }

    [Fact]
    public async Task Of_several_endpoints_that_answer_at_once_one_is_told_who_we_are()
    {
        await using SshNode one = new(1), two = new(2);
        await using StartingGate gate = new(4, two.Transport.Port);
        IPEndPoint[] endpoints = [.. Enumerable.Range(0, 4).Select(_ => new IPEndPoint(IPAddress.Loopback, gate.Port))];
        one.Transport.SetPeers([two.AsPeer(endpoints)]);
        two.Transport.SetPeers([one.AsPeer()]);
        await one.OpenAsync(two, Cancel);
        await SshNode.UntilAsync(() => one.Transport.Connections == 1 && two.Transport.Connections == 1, Cancel);
        Assert.Equal((4, 1, 1), (two.Transport.Counters.Accepted, two.Transport.Counters.Opened, one.Transport.Counters.Opened));
        Assert.Equal([(2, true)], one.Sink.Told);
    }

    [Fact]
    public void Both_families_are_tried_in_turn()
    {
        IPEndPoint a = new(IPAddress.Loopback, 1), b = new(IPAddress.Loopback, 2), c = new(IPAddress.Loopback, 3), x = new(IPAddress.IPv6Loopback, 1);
        Assert.Equal([a, x, b, c], SshDialler.InTurn([a, b, c, x]));
        Assert.Equal([x, a], SshDialler.InTurn([x, a]));
        Assert.Empty(SshDialler.InTurn([]));
    }

    [Fact]
    public async Task A_failed_dial_is_not_repeated_before_its_pause_and_new_endpoints_end_it()
    {
        FakeTimeProvider time = new();
        using Socket dead = TcpPort.Listen(0, null);
        IPEndPoint refused = new(IPAddress.Loopback, ((IPEndPoint)dead.LocalEndPoint!).Port);
        dead.Dispose();
        int sockets = 0;
        await using SshNode one = new(1, change: o => o with { Time = time, Port = null, ConfigureSocket = _ => Interlocked.Increment(ref sockets) });
        await using SshNode two = new(2);
        two.Transport.SetPeers([one.AsPeer()]);
        one.Transport.SetPeers([two.AsPeer(refused)]);
        one.Transport.Prepare(2);
        await SshNode.UntilAsync(() => one.Transport.LastFailure(2) is not null, Cancel);
        one.Transport.Prepare(2);
        one.Transport.Prepare(2);
        await Task.Delay(50, Cancel);
        Assert.Equal(1, sockets);
        time.Advance(TimeSpan.FromSeconds(1.1));
        one.Transport.Prepare(2);
        await SshNode.UntilAsync(() => sockets == 2, Cancel);
        one.Transport.SetPeers([two.AsPeer(two.Endpoint, refused)]);
        await SshNode.UntilAsync(() =>
        {
            one.Transport.Prepare(2);
            return one.Transport.IsOpen(2);
        }, Cancel);
    }

    [Fact]
    public async Task A_device_that_was_wanted_before_its_endpoints_were_known_is_dialled_when_they_are()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            one.Transport.SetPeers([two.AsPeer()]);
            one.Transport.Prepare(2);
            one.Transport.SetPeers([two.AsPeer(two.Endpoint)]);
            await SshNode.UntilAsync(() => one.Transport.IsOpen(2) && two.Transport.IsOpen(1), Cancel);
        }
    }

    [Fact]
    public async Task A_peer_that_vanished_and_comes_back_is_connected_though_the_old_stream_seems_to_stand()
    {
        await using TcpRelay relay = new();
        IdentityKey key = IdentityKey.Generate(RandomNumberGenerator.Fill);
        // The smaller ID has dialled, so its stream is the one that would be kept.
        await using SshNode one = new(1), two = new(2, key);
        relay.Target = two.Transport.Port;
        one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.Loopback, relay.Port))]);
        two.Transport.SetPeers([one.AsPeer()]);
        await one.OpenAsync(two, Cancel);
        relay.Silent = true;
        await using SshNode again = new(2, key);
        again.Transport.SetPeers([one.AsPeer(one.Endpoint)]);
        again.Transport.Prepare(1);
        await again.Sink.WaitAsync(1, true, Cancel);
        await SshNode.UntilAsync(() => one.Transport.Counters.Opened == 2, Cancel);
        Assert.Equal(0, one.Transport.Send(2, [7], 1));
        Assert.Equal([7], await again.Sink.ReceiveAsync(Cancel));
        // The old one never answers its heartbeat, and the new one stays.
        await SshNode.UntilAsync(() => one.Transport.Connections == 1, Cancel);
        Assert.Equal([(2, true)], one.Sink.Told);
        Assert.Equal(0, one.Transport.Send(2, [8], 1));
        Assert.Equal([8], await again.Sink.ReceiveAsync(Cancel));
    }
}
