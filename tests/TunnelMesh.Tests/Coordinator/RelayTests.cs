using System.Buffers.Binary;
using System.Diagnostics;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Transports.Relay;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Real relay streams of real devices through a real coordinator on loopback.</summary>
public sealed class RelayTests
{
    private const int Size = 1420, Segments = 45;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<RelayPeer> OpenAsync(TestMesh mesh, string name, Func<RelayTransportOptions, RelayTransportOptions>? change = null)
    {
        JoinRequest request = mesh.Request(name);
        RelayPeer peer = new(request, await mesh.JoinAsync(request), mesh.Root, change);
        await peer.OpenAsync();
        return peer;
    }

    [Fact]
    public async Task Batches_pass_both_ways_in_order_with_their_source_and_all_is_counted()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using RelayPeer near = await OpenAsync(mesh, "near"), far = await OpenAsync(mesh, "far");
        Assert.True(near.Transport.IsOpen(far.Id));
        Assert.NotNull(near.Transport.RoundTrip);
        const int Batches = 40;
        for (int i = 0; i < Batches; i++)
        {
            Assert.Equal(0, near.Transport.Send(far.Id, RelayPeer.Batch(i * Segments, Segments, Size), Size));
            Assert.Equal(0, far.Transport.Send(near.Id, RelayPeer.Batch(i, 1, 100 + i), 100 + i));
            // Never so many on the way that a queue may drop some.
            await far.UntilAsync(() => far.Received.Count >= (i - 4) * Segments);
        }
        await far.UntilAsync(() => far.Received.Count == Batches * Segments);
        await near.UntilAsync(() => near.Received.Count == Batches);
        Assert.Equal(Enumerable.Range(0, Batches * Segments), far.Numbers(near.Id));
        Assert.Equal(Enumerable.Range(0, Batches), near.Numbers(far.Id));
        Assert.All(far.Received, r => Assert.Equal(RelayPeer.Batch(BinaryPrimitives.ReadInt32BigEndian(r.Datagram), 1, Size), r.Datagram));
        Assert.All(near.Received, r => Assert.Equal(100 + BinaryPrimitives.ReadInt32BigEndian(r.Datagram), r.Datagram.Length));

        await near.UntilAsync(() => mesh.Server.Relay.DatagramsOut == Batches * (Segments + 1));
        RelayCounters relay = mesh.Server.Relay;
        Assert.Equal(2, relay.Streams);
        Assert.Equal(relay.DatagramsIn, relay.DatagramsOut);
        Assert.Equal(relay.BytesIn, relay.BytesOut);
        Assert.Equal(0, relay.Waiting + relay.DroppedFull + relay.DroppedNotHere + relay.DroppedRate + relay.DroppedEnded + relay.FramesDamaged + relay.FramesUnknown + relay.Violations);
        RelayTransportCounters sent = near.Transport.Counters;
        Assert.Equal(Batches * Segments, sent.DatagramsSent);
        Assert.Equal(Batches * Segments * (long)Size, sent.BytesSent);
        Assert.Equal(Batches, sent.DatagramsReceived);
        Assert.Equal(0, sent.DroppedFull + sent.DroppedEnded + sent.DroppedBySink);
    }

    [Fact]
    public async Task What_is_no_batch_of_WireGuard_is_not_taken()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using RelayPeer peer = await OpenAsync(mesh, "peer");
        Assert.Equal(2, peer.Transport.Send(peer.Id, new byte[1450], Size));
        Assert.Equal(1, peer.Transport.Send(peer.Id, new byte[10], 10));
        Assert.Equal(1, peer.Transport.Send(peer.Id, new byte[10], 0));
        Assert.Equal(0, peer.Transport.Send(peer.Id, [], Size));
        Assert.Equal(0, peer.Transport.Send(peer.Id, RelayPeer.Batch(1, 1, 148), 148));
        await peer.UntilAsync(() => peer.Received.Count == 1);
        Assert.Equal([1], peer.Numbers(peer.Id));
    }

    [Fact]
    public async Task A_device_without_a_stream_is_told_of_and_told_of_again_when_it_comes()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        // Long enough that only the coordinator's word can open it again.
        await using RelayPeer near = await OpenAsync(mesh, "near", o => o with { NotHereTime = TimeSpan.FromMinutes(10) });
        JoinRequest request = mesh.Request("late");
        JoinResult joined = await mesh.JoinAsync(request);
        UInt128 late = RelayPeer.Number(joined.Device.Id);
        near.Transport.Prepare(late);
        Assert.True(near.Transport.IsOpen(late));
        Assert.Equal(0, near.Transport.Send(late, RelayPeer.Batch(0, 3, 200), 200));
        await near.UntilAsync(() => !near.Transport.IsOpen(late));
        Assert.Equal(3, near.Transport.Send(late, RelayPeer.Batch(0, 3, 200), 200));
        Assert.True(near.Transport.IsOpen(near.Id));
        Assert.Equal(3, mesh.Server.Relay.DroppedNotHere);
        Assert.Equal(1, near.Transport.Counters.NotHere);

        await using RelayPeer far = new(request, joined, mesh.Root);
        await near.UntilAsync(() => near.Transport.IsOpen(late));
        Assert.Equal([(late, false), (late, true)], near.Notes.SkipWhile(n => n.Open));
        Assert.Equal(0, near.Transport.Send(late, RelayPeer.Batch(7, 1, 200), 200));
        await far.UntilAsync(() => far.Received.Count == 1);
    }

    [Fact]
    public async Task A_device_that_was_not_there_is_tried_again_after_its_time()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using RelayPeer near = await OpenAsync(mesh, "near", o => o with { NotHereTime = TimeSpan.FromMilliseconds(300) });
        near.Transport.Prepare(5);
        near.Transport.Send(5, RelayPeer.Batch(0, 1, 200), 200);
        // That the stream itself is open may be told before.
        await near.UntilAsync(() => near.Notes.SkipWhile(n => n.Open).Count() == 2);
        Assert.Equal([((UInt128)5, false), ((UInt128)5, true)], near.Notes.SkipWhile(n => n.Open));
    }

    [Fact]
    public async Task Streams_return_within_two_seconds_of_their_coordinator()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using RelayPeer near = await OpenAsync(mesh, "near"), far = await OpenAsync(mesh, "far");
        // Whoever asks is told from then on, and so is whoever has it prepared.
        Assert.True(near.Transport.IsOpen(far.Id));
        near.Transport.Prepare(7);
        await mesh.StopAsync();
        await near.UntilAsync(() => !near.Transport.IsOpen(far.Id));
        await far.UntilAsync(() => !far.Transport.IsOpen(near.Id));
        Assert.Equal(1, near.Transport.Send(far.Id, RelayPeer.Batch(0, 1, 200), 200));
        Assert.Null(near.Transport.RoundTrip);
        // Long enough for the pauses to have grown.
        await near.UntilAsync(() => near.Failures >= 6);
        await mesh.StartAgainAsync();
        Stopwatch clock = Stopwatch.StartNew();
        await near.OpenAsync();
        await far.OpenAsync();
        // The machine may be busy with other tests: the longest pause is 1.5 s.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, near.Transport.Send(far.Id, RelayPeer.Batch(3, 1, 200), 200));
        await far.UntilAsync(() => far.Received.Count == 1);
        await near.UntilAsync(() => near.Notes.Count == 4);
        Assert.All(new[] { far.Id, (UInt128)7 }, device => Assert.Equal([false, true], near.Notes.Where(n => n.Device == device).Select(n => n.Open)));
        Assert.Equal(2, near.Transport.Counters.Opened);
    }

    [Fact]
    public async Task A_stream_that_carries_nothing_is_noticed_by_both_sides()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { AskAfter = TimeSpan.FromSeconds(2), CutAfter = TimeSpan.FromSeconds(3) } });
        await using RelayPeer peer = await OpenAsync(mesh, "peer", o => o with { AskAfter = TimeSpan.FromSeconds(1), AnswerTime = TimeSpan.FromSeconds(1) });
        mesh.Relay.Silent = true;
        Stopwatch clock = Stopwatch.StartNew();
        await peer.UntilAsync(() => !peer.Transport.State.IsOpen);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        Assert.False(peer.Transport.IsOpen(5));
        await peer.UntilAsync(() => peer.Transport.Counters.Silent >= 1);
        await peer.UntilAsync(() => mesh.Server.Relay is { Silent: 1, Streams: 0 });
        // The next one stands, while those that are dead stay so.
        mesh.Relay.Silent = false;
        await peer.OpenAsync();
    }

    [Fact]
    public async Task An_idle_stream_stands_because_both_sides_ask()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { AskAfter = TimeSpan.FromMilliseconds(100), CutAfter = TimeSpan.FromSeconds(5) } });
        await using RelayPeer peer = await OpenAsync(mesh, "peer", o => o with { AskAfter = TimeSpan.FromMinutes(1) });
        Assert.Equal(0, mesh.Server.Relay.Silent);
        Stopwatch clock = Stopwatch.StartNew();
        // Longer than the coordinator keeps a silent stream: this one answers.
        await peer.UntilAsync(() => clock.Elapsed > TimeSpan.FromSeconds(7) || !peer.Transport.State.IsOpen);
        Assert.True(peer.Transport.State.IsOpen);
        Assert.Equal(1, mesh.Server.Relay.Streams);
    }

    [Fact]
    public async Task Without_a_relay_there_is_no_such_path_and_the_peer_says_so()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { Enabled = false } });
        JoinRequest request = mesh.Request("peer");
        await using RelayPeer peer = new(request, await mesh.JoinAsync(request), mesh.Root);
        await peer.UntilAsync(() => peer.Transport.State.Problem is not null);
        Assert.Contains("coordinator.relay.enabled is false", peer.Transport.State.Problem, StringComparison.Ordinal);
        Assert.Equal(ControlFailure.NotACoordinator, peer.Transport.State.Code);
        Assert.False(peer.Transport.IsOpen(5));
        using RawStream raw = await RawStream.ConnectAsync(mesh.Server.Port, peer.Joined.Certificate.Leaf, ControlProtocol.RelayPath);
        Assert.Equal(404, raw.Status);
    }

    [Fact]
    public async Task A_device_that_waits_is_there_at_once_when_it_is_told_that_something_changed()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("peer");
        JoinResult joined = await mesh.JoinAsync(request);
        bool renewed = false;
        await using RelayPeer peer = new(request, joined, mesh.Root, o => o with { Certificate = () => Volatile.Read(ref renewed) ? joined.Certificate : null });
        await peer.UntilAsync(() => peer.Transport.State.Code == ControlErrorCodes.ProofRefused);
        Assert.False(peer.Transport.State.IsOpen);
        Volatile.Write(ref renewed, true);
        peer.Transport.Refresh();
        await peer.OpenAsync();
        // A stream that carries survives the doubt.
        peer.Transport.Refresh();
        Assert.Equal(0, peer.Transport.Send(peer.Id, RelayPeer.Batch(1, 1, 200), 200));
        await peer.UntilAsync(() => peer.Received.Count == 1);
        Assert.Equal(1, peer.Transport.Counters.Opened);
    }

    [Fact]
    public async Task A_coordinator_of_another_mesh_is_refused()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(), other = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("peer");
        await using RelayPeer peer = new(request with { Server = other.Address }, await mesh.JoinAsync(request), mesh.Root);
        await peer.UntilAsync(() => peer.Transport.State.Code == ControlFailure.Tls);
        Assert.Equal(0, other.Server.Relay.Streams);
    }

    [Fact]
    public async Task A_queue_that_is_full_drops_its_oldest_and_send_never_waits()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using RelayPeer peer = await OpenAsync(mesh, "peer", o => o with { QueueBytes = 256 << 10, AnswerTime = TimeSpan.FromMinutes(1) });
        mesh.Relay.Silent = true;
        byte[] batch = RelayPeer.Batch(0, Segments, Size);
        Stopwatch clock = Stopwatch.StartNew();
        int sent = 0;
        while (peer.Transport.Counters.DroppedFull < 1000)
        {
            Assert.Equal(0, peer.Transport.Send(5, batch, Size));
            Assert.InRange(++sent, 1, 100_000);
        }
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.InRange(peer.Transport.Counters.DroppedFull, 1000, sent * Segments);
    }
}
