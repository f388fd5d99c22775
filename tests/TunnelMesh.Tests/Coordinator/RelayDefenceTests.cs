using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Members that flood, stall, forge or are thrown out, and what others notice of it.</summary>
public sealed class RelayDefenceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<Member> OpenAsync(TestMesh mesh, string name)
    {
        JoinResult joined = await mesh.JoinAsync(mesh.Request(name));
        Member member = new(joined, await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf, ControlProtocol.RelayPath));
        // Its answer tells that the stream stands.
        await member.PingAsync(1);
        return member;
    }

    private static byte[] Message(UInt128 to, byte[] datagrams, int size)
    {
        byte[] message = new byte[RelayFrame.HeaderBytes + datagrams.Length];
        RelayFrame.WriteHeader(message, to, size);
        datagrams.CopyTo(message.AsSpan(RelayFrame.HeaderBytes));
        return message;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(40));
        while (!condition())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    [Fact]
    public async Task Only_a_device_certificate_of_this_mesh_opens_a_relay_stream()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(), other = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request();
        JoinResult own = await mesh.JoinAsync(request), foreign = await other.JoinAsync(request with { Server = other.Address });
        using X509Certificate2 noDevice = mesh.Authority.IssueServer(own.Device.Id, []);
        foreach ((X509Certificate2? certificate, int status) in new (X509Certificate2?, int)[] { (null, 401), (foreign.Certificate.Leaf, 403), (noDevice, 403) })
        {
            using RawStream refused = await RawStream.ConnectAsync(mesh.Server.Port, certificate, ControlProtocol.RelayPath);
            Assert.Equal(status, refused.Status);
        }
        Assert.Equal(0, mesh.Server.Relay.Streams);
    }

    [Fact]
    public async Task The_source_is_what_the_certificate_says_and_notices_are_the_coordinators_alone()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member liar = await OpenAsync(mesh, "liar"), victim = await OpenAsync(mesh, "victim"), third = await OpenAsync(mesh, "third");
        // Inner bytes that claim to be a header of the third are datagrams like any other.
        byte[] inner = Message(third.Id, RelayPeer.Batch(1, 1, 100), 100);
        await liar.Stream.SendAsync(Message(victim.Id, inner, inner.Length), WebSocketMessageType.Binary);
        byte[] got = await victim.DatagramsAsync();
        Assert.Equal(liar.Id, RelayFrame.Device(got));
        Assert.Equal(inner, got[RelayFrame.HeaderBytes..]);

        byte[] notice = new byte[RelayFrame.HeaderBytes];
        RelayFrame.WriteNotice(notice, RelayFrameKind.NotHere, victim.Id);
        await liar.Stream.SendAsync(notice, WebSocketMessageType.Binary);
        await liar.PingAsync(2);
        Assert.Equal(1, mesh.Server.Relay.FramesUnknown);
    }

    [Fact]
    public async Task Whoever_floods_a_destination_does_not_take_the_place_of_a_calm_sender()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { StallTime = TimeSpan.FromMinutes(5) } });
        using Member flooder = await OpenAsync(mesh, "flooder"), calm = await OpenAsync(mesh, "calm"), target = await OpenAsync(mesh, "target");
        byte[] flood = Message(target.Id, RelayPeer.Batch(0, 45, 1420), 1420);
        // The target does not read, so its queue fills until the flood drops.
        while (mesh.Server.Relay.DroppedFull < 45 * 100)
        {
            await flooder.Stream.SendAsync(flood, WebSocketMessageType.Binary);
        }
        const int Calm = 60;
        for (int i = 0; i < Calm; i++)
        {
            await calm.Stream.SendAsync(Message(target.Id, RelayPeer.Batch(i, 1, 1000), 1000), WebSocketMessageType.Binary);
            await flooder.Stream.SendAsync(flood, WebSocketMessageType.Binary);
        }
        await calm.PingAsync(3);
        await flooder.PingAsync(3);
        List<int> numbers = [];
        int behind = 0;
        while (numbers.Count < Calm)
        {
            byte[] message = await target.DatagramsAsync();
            if (RelayFrame.Device(message) == flooder.Id)
            {
                behind += numbers.Count > 0 ? 1 : 0;
                continue;
            }
            for (int at = RelayFrame.HeaderBytes; at < message.Length; at += 1000)
            {
                numbers.Add(BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(at)));
            }
        }
        Assert.Equal(Enumerable.Range(0, Calm), numbers);
        // The first message of the calm one may have gone alone; the rest joined, and waited for a turn of the other.
        Assert.InRange(behind, 0, 8);
        while (mesh.Server.Relay.Waiting > 0)
        {
            await target.DatagramsAsync();
        }
        // The answer comes behind the last message, which is counted then.
        await target.PingAsync(9);
        RelayCounters relay = mesh.Server.Relay;
        Assert.Equal(relay.DatagramsIn, relay.DatagramsOut + relay.DroppedFull);
    }

    [Fact]
    public async Task A_receiver_that_takes_nothing_is_cut_and_harms_nobody()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { StallTime = TimeSpan.FromSeconds(2) } });
        using Member sender = await OpenAsync(mesh, "sender"), dead = await OpenAsync(mesh, "dead"), alive = await OpenAsync(mesh, "alive");
        TestPeer watcher = await mesh.PeerAsync("watcher");
        byte[] flood = Message(dead.Id, RelayPeer.Batch(0, 45, 1420), 1420);
        int passed = 0;
        while (mesh.Server.Relay.Stalled == 0)
        {
            // The sender is never held up, and what it sends to others arrives meanwhile.
            await sender.Stream.SendAsync(flood, WebSocketMessageType.Binary);
            await sender.Stream.SendAsync(Message(alive.Id, RelayPeer.Batch(passed, 1, 100), 100), WebSocketMessageType.Binary);
            Assert.Equal(passed++, BinaryPrimitives.ReadInt32BigEndian((await alive.DatagramsAsync()).AsSpan(RelayFrame.HeaderBytes)));
        }
        await UntilAsync(() => mesh.Server.Relay is { Streams: 2, Waiting: 0 });
        await sender.Stream.SendAsync(flood, WebSocketMessageType.Binary);
        Assert.Equal(dead.Id, await sender.NoticeAsync(RelayFrameKind.NotHere));
        Assert.True(mesh.Server.Relay.DroppedFull > 0);
        // Neither has the control stream noticed anything.
        TestPeer late = await mesh.PeerAsync("late");
        await watcher.SeesAsync("late", online: true);
        await late.SeesAsync("watcher", online: true);
    }

    [Fact]
    public async Task When_all_queues_together_hold_too_much_each_has_its_reserve()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { StallTime = TimeSpan.FromMinutes(5), QueueBytesInAll = 300_000, ReserveBytes = 140_000 } });
        using Member sender = await OpenAsync(mesh, "sender"), first = await OpenAsync(mesh, "first"), second = await OpenAsync(mesh, "second");
        foreach (Member target in new[] { first, second })
        {
            long dropped = mesh.Server.Relay.DroppedFull;
            while (mesh.Server.Relay.DroppedFull < dropped + (45 * 20))
            {
                await sender.Stream.SendAsync(Message(target.Id, RelayPeer.Batch(0, 45, 1420), 1420), WebSocketMessageType.Binary);
            }
        }
        // Without the mark they would hold 1 MiB each.
        Assert.InRange(mesh.Server.Relay.Waiting, 1, 300_000 + (2 * 140_000));
    }

    [Fact]
    public async Task A_rate_limit_holds_for_a_device_however_often_it_comes_again()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Relay = new RelayOptions { RateLimit = 1, Burst = 50_000 } });
        using Member other = await OpenAsync(mesh, "other"), target = await OpenAsync(mesh, "target");
        JoinResult joined = await mesh.JoinAsync(mesh.Request("limited"));
        for (int round = 0; round < 3; round++)
        {
            using Member limited = new(joined, await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf, ControlProtocol.RelayPath));
            for (int i = 0; i < 5; i++)
            {
                await limited.Stream.SendAsync(Message(target.Id, RelayPeer.Batch(i, 20, 1000), 1000), WebSocketMessageType.Binary);
            }
            await limited.PingAsync(4);
        }
        Assert.Equal(13 * 20, mesh.Server.Relay.DroppedRate);
        await other.Stream.SendAsync(Message(target.Id, RelayPeer.Batch(99, 20, 1000), 1000), WebSocketMessageType.Binary);
        int fromOther = 0, fromLimited = 0;
        while (fromOther == 0)
        {
            byte[] message = await target.DatagramsAsync();
            int datagrams = (message.Length - RelayFrame.HeaderBytes) / 1000;
            (fromOther, fromLimited) = RelayFrame.Device(message) == other.Id ? (datagrams, fromLimited) : (fromOther, fromLimited + datagrams);
        }
        Assert.Equal(20, fromOther);
        Assert.Equal(40, fromLimited);
    }

    [Fact]
    public async Task A_newer_stream_replaces_the_older_one()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member sender = await OpenAsync(mesh, "sender"), old = await OpenAsync(mesh, "device");
        using Member young = new(old.Joined, await RawStream.ConnectAsync(mesh.Server.Port, old.Joined.Certificate.Leaf, ControlProtocol.RelayPath));
        await young.PingAsync(5);
        Assert.Null(await old.Stream.ReceiveBytesAsync());
        Assert.StartsWith("replaced", old.Stream.CloseReason, StringComparison.Ordinal);
        await sender.Stream.SendAsync(Message(old.Id, RelayPeer.Batch(6, 1, 100), 100), WebSocketMessageType.Binary);
        Assert.Equal(6, BinaryPrimitives.ReadInt32BigEndian((await young.DatagramsAsync()).AsSpan(RelayFrame.HeaderBytes)));
        Assert.Equal(1, mesh.Server.Relay.Replaced);
        Assert.Equal(2, mesh.Server.Relay.Streams);
    }

    [Fact]
    public async Task A_device_that_is_revoked_or_leaves_loses_its_stream_at_once()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member sender = await OpenAsync(mesh, "sender"), revoked = await OpenAsync(mesh, "revoked");
        JoinRequest request = mesh.Request("leaves");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer control = mesh.Run(request, joined.Certificate);
        using Member leaves = new(joined, await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf, ControlProtocol.RelayPath));
        await leaves.PingAsync(6);
        await control.SeesAsync("leaves", online: true);

        Assert.True(await mesh.Server.RevokeDeviceAsync(revoked.Joined.Device.Id, Cancel));
        Assert.Null(await revoked.Stream.ReceiveBytesAsync());
        Assert.Equal(ControlErrorCodes.Revoked, revoked.Stream.CloseReason);
        await control.Stream.LeaveAsync(Cancel);
        Assert.Null(await leaves.Stream.ReceiveBytesAsync());
        Assert.Equal(ControlErrorCodes.UnknownDevice, leaves.Stream.CloseReason);
        foreach (Member gone in new[] { revoked, leaves })
        {
            using RawStream again = await RawStream.ConnectAsync(mesh.Server.Port, gone.Joined.Certificate.Leaf, ControlProtocol.RelayPath);
            Assert.Null(await again.ReceiveBytesAsync());
            Assert.Equal(ControlErrorCodes.UnknownDevice, again.CloseReason);
            await sender.Stream.SendAsync(Message(gone.Id, RelayPeer.Batch(1, 1, 100), 100), WebSocketMessageType.Binary);
            Assert.Equal(gone.Id, await sender.NoticeAsync(RelayFrameKind.NotHere));
        }
        Assert.Equal(1, mesh.Server.Relay.Streams);
    }

    [Fact]
    public async Task Damaged_messages_are_counted_and_dropped_and_violations_end_the_stream()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member target = await OpenAsync(mesh, "target");
        using (Member clumsy = await OpenAsync(mesh, "clumsy"))
        {
            byte[] sizeZero = Message(target.Id, new byte[100], 0), sizeLarge = Message(target.Id, new byte[100], 101), stub = Message(target.Id, new byte[110], 100), tiny = Message(target.Id, new byte[100], 8);
            byte[][] damaged = [[], [1], sizeZero, sizeLarge, stub, tiny, Message(target.Id, [], 100), Message(target.Id, new byte[100], 100)[..21], [1, 2, 0, 0, 1], [1, 4, 0, 0, 9]];
            foreach (byte[] message in damaged)
            {
                await clumsy.Stream.SendAsync(message, WebSocketMessageType.Binary);
            }
            await clumsy.Stream.SendAsync([1, 77, 0, 0], WebSocketMessageType.Binary);
            await clumsy.Stream.SendAsync(Message(target.Id, RelayPeer.Batch(8, 1, 100), 100), WebSocketMessageType.Binary);
            Assert.Equal(8, BinaryPrimitives.ReadInt32BigEndian((await target.DatagramsAsync()).AsSpan(RelayFrame.HeaderBytes)));
            Assert.Equal(damaged.Length, mesh.Server.Relay.FramesDamaged);
            Assert.Equal(1, mesh.Server.Relay.FramesUnknown);
            Assert.Equal(0, mesh.Server.Relay.Violations);
        }
        (byte[] Message, WebSocketMessageType Type, string Code)[] violations =
        [
            ("hello"u8.ToArray(), WebSocketMessageType.Text, ControlErrorCodes.BadMessage),
            (new byte[500_000], WebSocketMessageType.Text, ControlErrorCodes.BadMessage),
            (new byte[RelayFrame.MaxBytes + 1], WebSocketMessageType.Binary, ControlErrorCodes.BadMessage),
            (new byte[1_000_000], WebSocketMessageType.Binary, ControlErrorCodes.BadMessage),
            ([2, 1, 0, 0, 0], WebSocketMessageType.Binary, ControlErrorCodes.UnsupportedVersion),
        ];
        for (int i = 0; i < violations.Length; i++)
        {
            using Member hostile = await OpenAsync(mesh, $"hostile{i}");
            await hostile.Stream.SendAsync(violations[i].Message, violations[i].Type);
            Assert.Null(await hostile.Stream.ReceiveBytesAsync());
            Assert.Equal(violations[i].Code, hostile.Stream.CloseReason);
            Assert.Equal(i + 1, mesh.Server.Relay.Violations);
        }
        await target.PingAsync(7);
        Assert.Equal(1, mesh.Server.Relay.Streams);
    }

    [Fact]
    public async Task The_largest_message_passes()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member sender = await OpenAsync(mesh, "sender"), target = await OpenAsync(mesh, "target");
        byte[] datagrams = RelayPeer.Batch(1, 1, RelayFrame.MaxDatagramBytes);
        for (int i = 0; i < 3; i++)
        {
            await sender.Stream.SendAsync(Message(target.Id, datagrams, datagrams.Length), WebSocketMessageType.Binary);
            Assert.Equal(datagrams, (await target.DatagramsAsync())[RelayFrame.HeaderBytes..]);
        }
    }

    [Fact]
    public async Task Whoever_asks_for_all_the_devices_there_are_not_is_bounded()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using Member asking = await OpenAsync(mesh, "asking");
        for (int i = 0; i < 3 * RelayStream.MaxMissed; i++)
        {
            await asking.Stream.SendAsync(Message((UInt128)i, RelayPeer.Batch(i, 1, 100), 100), WebSocketMessageType.Binary);
        }
        await asking.PingAsync(8);
        Assert.Equal(3 * RelayStream.MaxMissed, mesh.Server.Relay.DroppedNotHere);
    }

    private sealed class Member(JoinResult joined, RawStream stream) : IDisposable
    {
        internal JoinResult Joined => joined;

        internal RawStream Stream => stream;

        internal UInt128 Id { get; } = RelayPeer.Number(joined.Device.Id);

        internal async Task PingAsync(ulong number)
        {
            byte[] ping = new byte[RelayFrame.EchoBytes];
            RelayFrame.WriteEcho(ping, RelayFrameKind.Ping, number);
            await stream.SendAsync(ping, WebSocketMessageType.Binary);
            while (RelayFrame.Number(await NextAsync(RelayFrameKind.Pong)) != number)
            {
                // One of before.
            }
        }

        internal Task<byte[]> DatagramsAsync() => NextAsync(RelayFrameKind.Datagrams);

        internal async Task<UInt128> NoticeAsync(RelayFrameKind kind) => RelayFrame.Device(await NextAsync(kind));

        public void Dispose() => stream.Dispose();

        private async Task<byte[]> NextAsync(RelayFrameKind kind)
        {
            while (true)
            {
                byte[]? message = await stream.ReceiveBytesAsync();
                Assert.NotNull(message);
                if (RelayFrame.Read(message) == kind)
                {
                    return message;
                }
            }
        }
    }
}
