using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Real control streams of real devices against a real coordinator on loopback.</summary>
public sealed class ControlStreamTests
{
    [Fact]
    public async Task A_device_gets_the_whole_map_and_then_sees_another_come_move_and_go_within_a_second()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer first = await mesh.PeerAsync("first", "192.0.2.1:2223", "127.0.0.1:2223", "10.42.0.9:2223");
        MapEntry own = await first.SeesAsync("first", online: true);
        Assert.Equal(["192.0.2.1:2223"], own.Wire.Endpoints);
        Assert.Equal(["udp"], own.Wire.Transports);

        TestPeer second = await mesh.PeerAsync("second", "[2001:db8::2]:2223");
        Assert.Equal("[2001:db8::2]:2223", Assert.Single((await first.SeesAsync("second", online: true)).Endpoints).ToString());
        await second.SeesAsync("first", online: true);

        second.Endpoints = ["198.51.100.7:2223"];
        await second.Stream.PushEndpointsAsync(TestContext.Current.CancellationToken);
        await first.UntilAsync(map => map.ByName["second"].Wire.Endpoints is ["198.51.100.7:2223"]);

        Stopwatch clock = Stopwatch.StartNew();
        await second.StopAsync();
        MapEntry gone = await first.SeesAsync("second", online: false);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.InRange(gone.Wire.LastSeen, DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        Assert.Equal(0, first.Stream.DroppedEntries);
    }

    [Fact]
    public async Task A_viewer_that_returns_is_sent_only_what_it_missed()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("viewer");
        JoinResult joined = await mesh.JoinAsync(request);
        MapFull held;
        using (RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf))
        {
            await stream.SendAsync(RawStream.Hello());
            held = await stream.ReceiveAsync<MapFull>();
        }
        JoinResult other = await mesh.JoinAsync(mesh.Request("other"));
        using RawStream again = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await again.SendAsync(RawStream.Hello(held.Epoch, held.Number));
        long number = held.Number;
        for (bool seen = false; !seen;)
        {
            MapDelta delta = Assert.IsType<MapDelta>(await again.ReceiveAsync());
            Assert.Equal(held.Epoch, delta.Epoch);
            Assert.True(delta.From <= number && delta.Number > number, $"{delta.From} to {delta.Number} for a viewer at {number}");
            number = delta.Number;
            seen = delta.Upserted.Any(d => d.Id == other.Device.Id);
        }
        await again.SendAsync(new MapRequest { Epoch = held.Epoch, Number = held.Number });
        while ((await again.ReceiveAsync<MapDelta>()).From > held.Number)
        {
            // A change that came in between.
        }
        await again.SendAsync(new MapRequest { Epoch = "another", Number = number });
        Assert.Equal(2, (await again.ReceiveAsync<MapFull>()).Devices.Count);
    }

    [Fact]
    public async Task A_lost_delta_makes_the_device_ask_and_then_it_has_everything()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("viewer");
        JoinResult joined = await mesh.JoinAsync(request);
        using System.Security.Cryptography.X509Certificates.X509Certificate2 server = mesh.Authority.IssueServer("hub", []);
        await using TlsRelay relay = await TlsRelay.StartAsync(server, [mesh.Authority.Issuer], joined.Certificate.Leaf);
        relay.Target = mesh.Server.Port;
        bool lose = false;
        relay.Passes = (_, _) => !Interlocked.Exchange(ref lose, false);
        TestPeer viewer = mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", relay.Port) }, joined.Certificate);
        await viewer.SeesAsync("viewer", online: true);
        lose = true;
        TestPeer lost = await mesh.PeerAsync("lost");
        await lost.SeesAsync("viewer", online: true);
        while (Volatile.Read(ref lose))
        {
            // The change that shows the gap must not be merged into the one that is lost.
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        await mesh.PeerAsync("next");
        await viewer.SeesAsync("next", online: true);
        await viewer.SeesAsync("lost", online: true);
        Assert.False(lose);
        Assert.Contains(relay.Seen, m => ControlCodec.Decode(m, out string? _) is MapRequest);
    }

    [Fact]
    public async Task A_device_asks_for_an_answer_to_its_hello_and_is_connected_once_there_is_one()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("again");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer first = mesh.Run(request, joined.Certificate);
        NetworkMap map = await first.UntilAsync(m => m.ByName.ContainsKey("again"));
        await first.StopAsync();
        using System.Security.Cryptography.X509Certificates.X509Certificate2 server = mesh.Authority.IssueServer("hub", []);
        await using TlsRelay relay = await TlsRelay.StartAsync(server, [mesh.Authority.Issuer], joined.Certificate.Leaf);
        relay.Target = mesh.Server.Port;
        bool pass = false;
        TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        relay.Passes = (_, _) =>
        {
            answered.TrySetResult();
            return Volatile.Read(ref pass);
        };
        TestPeer again = mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", relay.Port) }, joined.Certificate, map);
        await answered.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain(again.States, s => s.Phase == ControlPhase.Connected);
        Volatile.Write(ref pass, true);
        await mesh.PeerAsync("news");
        await again.UntilStateAsync(s => s.Phase == ControlPhase.Connected);
        Assert.Contains(relay.Seen, m => ControlCodec.Decode(m, out string? _) is SignOfLife);
    }

    [Fact]
    public async Task Whoever_asks_a_coordinator_for_a_sign_of_life_gets_one()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinResult joined = await mesh.JoinAsync(mesh.Request("asks"));
        using RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await stream.SendAsync(RawStream.Hello());
        await stream.SendAsync(new SignOfLife());
        await stream.ReceiveAsync<SignOfLife>();
    }

    [Fact]
    public async Task After_a_change_of_the_network_a_stream_that_carries_nothing_is_given_up_in_seconds()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer peer = await mesh.PeerAsync("peer");
        await peer.SeesAsync("peer", online: true);
        mesh.Relay.Silent = true;
        long began = Stopwatch.GetTimestamp();
        peer.Stream.Refresh(_ => true);
        await peer.UntilStateAsync(s => s.Phase == ControlPhase.Disconnected);
        // By itself it would ask after 5 s and wait 12.
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1.9, 10);
        mesh.Relay.Silent = false;
        await peer.UntilStateAsync(s => s.Phase == ControlPhase.Connected && s.Since > peer.States.First(p => p.Phase == ControlPhase.Disconnected).Since);
    }

    [Fact]
    public async Task After_a_restart_of_the_coordinator_addresses_are_the_same_and_streams_return()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer first = await mesh.PeerAsync("first", "192.0.2.1:2223"), second = await mesh.PeerAsync("second", "192.0.2.2:2223");
        NetworkMap before = await first.UntilAsync(map => map.ByName.TryGetValue("second", out MapEntry? e) && e.Wire.Online && e.Endpoints.Count > 0);
        await mesh.StopAsync();
        await first.UntilStateAsync(s => s.Phase == ControlPhase.Disconnected);
        await mesh.StartAgainAsync();
        Assert.All(await mesh.State.LoadDevicesAsync(TestContext.Current.CancellationToken), d => Assert.NotEqual(0, d.LastSeen));
        NetworkMap after = await first.UntilAsync(map => map.Epoch != before.Epoch && map.ByName["second"].Wire is { Online: true, Endpoints.Count: > 0 } && map.ByName["first"].Wire.Online);
        await second.UntilAsync(map => map.Epoch == after.Epoch && map.ByName["first"].Wire.Online);
        Assert.Equal(before.ByName["second"].Ip, after.ByName["second"].Ip);
        Assert.Equal(before.ByName["first"].Ip6, after.ByName["first"].Ip6);
    }

    [Fact]
    public async Task An_outage_has_one_beginning_however_often_is_dialled_meanwhile()
    {
        IdentityKey identity = IdentityKey.Generate(RandomNumberGenerator.Fill);
        DeviceKey device = DeviceKey.Generate(RandomNumberGenerator.Fill);
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with
        {
            Urls = ["https://127.0.0.1:1"],
            Self = new SelfDevice
            {
                DeviceKey = device.Public.ToArray(),
                IdentityKey = identity.PublicKey.ToArray(),
                Record = DeviceRecord.Create(identity, "hub", SHA256.HashData(o.Authority.Root.RawData), device.Public, 1, expiry: 0),
            },
        });
        TestPeer peer = await mesh.PeerAsync("peer");
        await peer.SeesAsync("hub", online: false);
        await mesh.StopAsync();
        await peer.UntilStateAsync(_ => peer.States.Count(s => s.Phase == ControlPhase.Disconnected) >= 4);
        Assert.Single(peer.States.Where(s => s.Phase == ControlPhase.Disconnected).Select(s => s.Since).Distinct());
        await mesh.StartAgainAsync();
        await peer.UntilStateAsync(s => s.Phase == ControlPhase.Connected && s.Since > peer.States.First(lost => lost.Phase == ControlPhase.Disconnected).Since);
    }

    [Fact]
    public async Task A_host_that_vanishes_without_a_word_is_offline_within_twenty_seconds()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using TcpRelay cable = new() { Target = mesh.Server.Port };
        JoinRequest request = mesh.Request("vanishes");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer watcher = await mesh.PeerAsync("watcher");
        mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", cable.Port) }, joined.Certificate);
        await watcher.SeesAsync("vanishes", online: true);
        Stopwatch clock = Stopwatch.StartNew();
        cable.Silent = true;
        await watcher.SeesAsync("vanishes", online: false);
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_device_that_leaves_is_forgotten_and_its_old_certificate_is_worth_nothing()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinRequest request = mesh.Request("leaver");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer leaver = mesh.Run(request, joined.Certificate);
        await watcher.SeesAsync("leaver", online: true);
        await leaver.SeesAsync("leaver", online: true);
        await leaver.Stream.LeaveAsync(TestContext.Current.CancellationToken);
        await leaver.Running;
        await watcher.UntilAsync(map => !map.ByName.ContainsKey("leaver"));
        Assert.Single(await mesh.State.LoadDevicesAsync(TestContext.Current.CancellationToken));
        ControlException refused = await mesh.Run(request, joined.Certificate).RefusedAsync();
        Assert.Equal((ControlErrorCodes.UnknownDevice, true), (refused.Code, refused.IsFinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Revoking_ends_the_stream_at_once_and_for_good(bool wholeUser)
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinRequest request = mesh.Request("bad");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer bad = mesh.Run(request, joined.Certificate);
        await bad.SeesAsync("watcher", online: true);
        await watcher.SeesAsync("bad", online: true);
        CancellationToken cancel = TestContext.Current.CancellationToken;
        if (wholeUser)
        {
            Assert.Equal([joined.Device.Id], await mesh.Server.RevokeUserAsync(request.Identity.PublicKey.ToArray(), cancel));
        }
        else
        {
            Assert.True(await mesh.Server.RevokeDeviceAsync(joined.Device.Id, cancel));
        }
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Equal(ControlErrorCodes.Revoked, (await bad.RefusedAsync()).Code);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        await watcher.UntilAsync(map => !map.ByName.ContainsKey("bad"));
        // Started anew with its stored map, it is never connected.
        TestPeer again = mesh.Run(request, joined.Certificate, bad.Stream.Map);
        Assert.Equal(ControlErrorCodes.Revoked, (await again.RefusedAsync()).Code);
        Assert.DoesNotContain(again.States, s => s.Phase == ControlPhase.Connected);
        Assert.Equal(ControlErrorCodes.Revoked, (await mesh.Run(request, joined.Certificate).RefusedAsync()).Code);
        Assert.Equal(ControlErrorCodes.Revoked, (await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(request))).Code);
    }

    [Fact]
    public async Task A_new_stream_of_a_device_replaces_one_that_hangs_half_open()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using TcpRelay cable = new() { Target = mesh.Server.Port };
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinRequest request = mesh.Request("roams");
        JoinResult joined = await mesh.JoinAsync(request);
        mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", cable.Port) }, joined.Certificate, endpoints: "192.0.2.1:1");
        await watcher.SeesAsync("roams", online: true);
        cable.Silent = true;
        mesh.Run(request, joined.Certificate, endpoints: "192.0.2.2:1");
        NetworkMap map = await watcher.UntilAsync(m => m.ByName["roams"].Wire.Endpoints is ["192.0.2.2:1"]);
        Assert.True(map.ByName["roams"].Wire.Online);
        Assert.Equal(2, mesh.Server.Streams);
    }

    [Fact]
    public async Task Two_machines_with_one_device_key_are_both_told_so_by_name()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinRequest request = mesh.Request("copied");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer one = mesh.Run(request, joined.Certificate);
        await one.SeesAsync("copied", online: true);
        TestPeer two = mesh.Run(request, joined.Certificate);
        foreach (TestPeer peer in new[] { one, two })
        {
            await peer.UntilStateAsync(s => s.Problem is { } problem && problem.Contains("copied", StringComparison.Ordinal) && problem.Contains("two machines", StringComparison.Ordinal));
        }
        await watcher.SeesAsync("copied", online: false);
    }

    [Fact]
    public async Task An_ended_certificate_is_renewed_by_the_keys_alone()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request();
        await mesh.JoinAsync(request);
        Microsoft.Extensions.Time.Testing.FakeTimeProvider past = new(DateTimeOffset.UtcNow.AddDays(-3));
        using TunnelMesh.Coordinator.Certificates.MeshAuthority then = TunnelMesh.Coordinator.Certificates.MeshAuthority.Open(
            Path.Combine(mesh.StateDirectory, "older"), [mesh.State.Mesh.Cidr, mesh.State.Mesh.Ula], past);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leaf = then.IssueDevice(DeviceId.FromDeviceKey(request.Device.Public), key.ExportSubjectPublicKeyInfo(), "a", []);
        PeerCertificate ended = PeerCertificate.Create([leaf.RawData, then.Issuer.RawData], key.ExportPkcs8PrivateKey());
        Assert.True(ended.NotAfter < DateTimeOffset.UtcNow);
        TestPeer peer = mesh.Run(request, ended);
        await peer.SeesAsync("laptop", online: true);
        Assert.Equal(1, peer.Renewals);
    }

    [Fact]
    public async Task A_certificate_the_coordinator_refuses_is_renewed_by_the_keys_alone()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(), other = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request();
        await mesh.JoinAsync(request);
        // Not ended by its own dates, yet of no use here: only the coordinator's refusal can tell.
        JoinResult foreign = await other.JoinAsync(request with { Server = other.Address });
        TestPeer peer = mesh.Run(request, foreign.Certificate);
        await peer.SeesAsync("laptop", online: true);
        Assert.Equal(1, peer.Renewals);
    }
}
