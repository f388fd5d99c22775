using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Tests.Coordinator;

namespace TunnelMesh.Tests.Transports;

/// <summary>What a change of the machine's network does to SSH connections. The clock stands still unless a test moves it: nothing here waits for a timer.</summary>
public sealed class SshNetworkChangeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_from_an_address_that_is_gone_ends_and_is_dialled_again_at_once(bool dialled)
    {
        FakeTimeProvider time = new();
        await using SshNode one = new(1, change: o => o with { Time = time }), two = new(2, change: o => o with { Time = time });
        // Whoever loses the address dials, whichever side had dialled before.
        one.Transport.SetPeers([two.AsPeer(two.Endpoint)]);
        two.Transport.SetPeers([one.AsPeer(one.Endpoint)]);
        (SshNode moves, SshNode stays) = dialled ? (one, two) : (two, one);
        await one.OpenAsync(two, Cancel);
        moves.Transport.Refresh(a => !a.Equals(IPAddress.Loopback));
        Assert.Equal([(stays.Device, true), (stays.Device, false)], moves.Sink.Told.Take(2));
        await SshNode.UntilAsync(() => moves.Transport.IsOpen(stays.Device) && stays.Transport.IsOpen(moves.Device) && moves.Transport.Connections == 1 && stays.Transport.Connections == 1, Cancel);
        Assert.Equal((1, 0), (moves.Transport.Counters.Moved, moves.Transport.Counters.Silent));
        Assert.Equal(0, stays.Transport.Counters.Moved);
        foreach ((SshNode from, SshNode to, byte value) in new[] { (moves, stays, (byte)7), (stays, moves, (byte)8) })
        {
            Assert.Equal(0, from.Transport.Send(to.Device, [value], 1));
            Assert.Equal([value], await to.Sink.ReceiveAsync(Cancel));
        }
    }

    [Fact]
    public async Task A_connection_from_an_address_that_is_left_stays_and_is_asked_for_a_sign_of_life()
    {
        FakeTimeProvider time = new();
        await using TcpRelay relay = new();
        await using SshNode one = new(1, change: o => o with { Time = time }), two = new(2, change: o => o with { Time = time });
        relay.Target = two.Transport.Port;
        one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.Loopback, relay.Port))]);
        two.Transport.SetPeers([one.AsPeer()]);
        await one.OpenAsync(two, Cancel);
        one.Transport.Refresh(_ => true);
        await SshNode.UntilAsync(() => !one.Transport.IsHeartbeatOut, Cancel);
        Assert.Equal([(two.Device, true)], one.Sink.Told);
        relay.Silent = true;
        one.Transport.Refresh(_ => true);
        Assert.True(one.Transport.IsHeartbeatOut);
        time.Advance(TimeSpan.FromSeconds(3.5));
        Assert.True(one.Transport.IsOpen(2));
        time.Advance(TimeSpan.FromSeconds(0.75));
        await one.Sink.WaitAsync(2, false, Cancel);
        Assert.Equal((1, 0), (one.Transport.Counters.Silent, one.Transport.Counters.Moved));
    }

    [Fact]
    public async Task What_is_being_dialled_begins_anew()
    {
        FakeTimeProvider time = new();
        // Takes the connection and never says a word, as a route that has just gone.
        using Socket mute = TcpPort.Listen(0, null);
        int sockets = 0;
        await using SshNode one = new(1, change: o => o with { Time = time, Port = null, ConfigureSocket = _ => Interlocked.Increment(ref sockets) });
        await using SshNode two = new(2);
        one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)mute.LocalEndPoint!).Port))]);
        one.Transport.Prepare(2);
        await SshNode.UntilAsync(() => one.Transport.Connections == 1, Cancel);
        one.Transport.Refresh(_ => true);
        await SshNode.UntilAsync(() => Volatile.Read(ref sockets) == 2, Cancel);

        // Nor is a device dialled again that is no peer any more.
        one.Transport.SetPeers([]);
        one.Transport.Refresh(_ => false);
        await SshNode.UntilAsync(() => one.Transport.Connections == 0, Cancel);
        Assert.Equal(2, sockets);
    }

    [Fact]
    public async Task A_pause_after_a_failure_ends_and_what_was_wanted_meanwhile_is_dialled()
    {
        FakeTimeProvider time = new();
        using Socket dead = TcpPort.Listen(0, null);
        IPEndPoint refused = new(IPAddress.Loopback, ((IPEndPoint)dead.LocalEndPoint!).Port);
        dead.Dispose();
        int sockets = 0;
        await using SshNode one = new(1, change: o => o with { Time = time, Port = null, ConfigureSocket = _ => Interlocked.Increment(ref sockets) });
        await using SshNode two = new(2);
        one.Transport.SetPeers([two.AsPeer(refused)]);
        one.Transport.Prepare(2);
        await SshNode.UntilAsync(() => one.Transport.LastFailure(2) is not null, Cancel);
        one.Transport.Refresh(_ => true);
        Assert.Equal(1, sockets);
        one.Transport.Prepare(2);
        await SshNode.UntilAsync(() => Volatile.Read(ref sockets) == 2, Cancel);
        one.Transport.Prepare(2);
        one.Transport.Refresh(_ => true);
        await SshNode.UntilAsync(() => Volatile.Read(ref sockets) == 3, Cancel);
    }
}
