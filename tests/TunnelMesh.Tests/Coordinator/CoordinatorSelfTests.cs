using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>The coordinator as a device of its own mesh, its certificate and its port.</summary>
public sealed class CoordinatorSelfTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static SelfDevice Self(JoinRequest request, byte[] root) => new()
    {
        DeviceKey = request.Device.Public.ToArray(),
        IdentityKey = request.Identity.PublicKey.ToArray(),
        Record = DeviceRecord.Create(request.Identity, request.Name, SHA256.HashData(root), request.Device.Public, 1, 0),
    };

    private static async Task<X509Certificate2> ServerCertificateAsync(int port)
    {
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using SslStream tls = new(tcp.GetStream(), false, (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync("hub");
        return X509CertificateLoader.LoadCertificate(tls.RemoteCertificate!.GetRawCertData());
    }

    [Fact]
    public async Task The_coordinator_is_the_first_device_and_nobody_else_gets_its_flag()
    {
        JoinRequest keys = new() { Server = new("127.0.0.1", 1), Identity = IdentityKey.Generate(RandomNumberGenerator.Fill), Device = DeviceKey.Generate(RandomNumberGenerator.Fill), Name = "hub" };
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Self = Self(keys, o.Authority.Root.RawData), Urls = ["https://192.0.2.1:8443"], Stun = ["192.0.2.1:3478"] });
        Assert.Equal(("hub", "10.42.0.1"), (mesh.Server.Self!.Name, mesh.Server.Self.Ip.ToString()));
        using (X509Certificate2 certificate = await ServerCertificateAsync(mesh.Server.Port))
        {
            Assert.Contains(mesh.Server.Self.Ip, certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateIPAddresses());
        }

        // An ordinary control stream without a certificate: it renews by its keys, then connects.
        TestPeer own = mesh.Run(keys with { Server = mesh.Address }, null);
        MapEntry entry = await own.SeesAsync("hub", online: true);
        Assert.True(entry.Wire.Coordinator);
        Assert.Equal(1, own.Renewals);
        MapCoordinator listed = Assert.Single(own.Stream.Map!.Coordinators);
        Assert.Equal(("hub", "https://192.0.2.1:8443", "192.0.2.1:3478"), (listed.Name, Assert.Single(listed.Urls), Assert.Single(listed.Stun)));
        using X509Certificate2 role = X509CertificateLoader.LoadCertificate(listed.RoleCertificate);
        Assert.True(MeshCertificateValidator.Validate(role, [mesh.Authority.Issuer], mesh.Authority.Root, MeshRoles.CoordinatorOid, DateTimeOffset.UtcNow, out string reason), reason);

        TestPeer other = await mesh.PeerAsync("hub");
        Assert.False((await own.SeesAsync("hub-2", online: true)).Wire.Coordinator);
        Assert.True((await other.SeesAsync("hub", online: true)).Wire.Coordinator);
        Assert.Equal([true, false], (await mesh.State.LoadDevicesAsync(Cancel)).Select(d => d.Coordinator));
    }

    [Fact]
    public async Task Peers_that_are_connected_are_told_when_the_coordinator_is_reached_elsewhere_and_those_that_come_later_too()
    {
        string[] first = ["https://192.0.2.1:8443"], second = ["https://192.0.2.1:8443", "https://198.51.100.7:8443"], third = ["https://198.51.100.7:8443"];
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Urls = first, Stun = ["192.0.2.1:3478"] });
        bool told = false;
        JoinRequest request = mesh.Request("there");
        TestPeer there = mesh.Run(request, (await mesh.JoinAsync(request)).Certificate, onMap: change => told |= change.CoordinatorsChanged && change.Map.Coordinators is [{ Urls.Count: 2 }]);
        NetworkMap map = await there.UntilAsync(m => m.ByName.TryGetValue("there", out MapEntry? entry) && entry.Wire.Online);
        Assert.Equal(first, Assert.Single(map.Coordinators).Urls);

        mesh.Server.SetAddresses(second, ["192.0.2.1:3478", "198.51.100.7:3478"]);
        map = await there.UntilAsync(m => m.Coordinators is [{ Urls.Count: 2 }]);
        Assert.True(told);
        Assert.Equal(second, map.Coordinators[0].Urls);
        Assert.Equal(["192.0.2.1:3478", "198.51.100.7:3478"], map.Coordinators[0].Stun);
        Assert.Contains(new CoordinatorAddress("198.51.100.7", 8443), there.Stream.Addresses);

        // The same again is no change.
        long number = map.Number;
        mesh.Server.SetAddresses([.. second], ["192.0.2.1:3478", "198.51.100.7:3478"]);
        mesh.Server.SetAddresses(third, ["198.51.100.7:3478"]);
        map = await there.UntilAsync(m => m.Coordinators is [{ Urls.Count: 1 }]);
        Assert.Equal((number + 1, "198.51.100.7:3478"), (map.Number, Assert.Single(map.Coordinators[0].Stun)));
        Assert.DoesNotContain(new CoordinatorAddress("192.0.2.1", 8443), there.Stream.Addresses);

        TestPeer later = await mesh.PeerAsync("later");
        await later.SeesAsync("later", online: true);
        Assert.Equal(third, Assert.Single(later.Stream.Map!.Coordinators).Urls);
    }

    [Fact]
    public async Task A_new_certificate_leaves_the_addresses_that_were_told_last()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        string[] told = ["https://198.51.100.7:8443"];
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Time = time, Urls = ["https://192.0.2.1:8443"] });
        mesh.Server.SetAddresses(told, ["198.51.100.7:3478"]);
        TestPeer peer = await mesh.PeerAsync("peer");
        MapCoordinator before = Assert.Single((await peer.UntilAsync(_ => true)).Coordinators);
        Assert.Equal(told, before.Urls);
        time.AdjustTime(time.GetUtcNow().AddDays(250));
        MapCoordinator after = before;
        for (int i = 0; after.RoleCertificate.AsSpan().SequenceEqual(before.RoleCertificate); i++)
        {
            Assert.True(i < 1000, "the certificate stayed the same");
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(10, Cancel);
            after = Assert.Single(peer.Stream.Map!.Coordinators);
        }
        Assert.Equal(told, after.Urls);
        Assert.Equal(["198.51.100.7:3478"], after.Stun);
    }

    [Fact]
    public async Task A_coordinator_that_lost_its_key_leaves_no_second_flag_behind()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        RegistrationRequest Own(byte key) => new() { DeviceKey = [.. Enumerable.Repeat(key, 32)], IdentityKey = new byte[32], Name = "hub", Record = [1], RecordGeneration = 1, Coordinator = true };
        await mesh.State.RegisterAsync(Own(1), Cancel);
        await mesh.State.RegisterAsync(Own(2), Cancel);
        Assert.Equal([("hub", false), ("hub-2", true)], (await mesh.State.LoadDevicesAsync(Cancel)).Select(d => (d.Name, d.Coordinator)));
    }

    [Fact]
    public async Task A_record_of_other_keys_or_another_mesh_is_no_coordinator()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        SelfDevice foreign = Self(mesh.Request("hub"), new byte[8]);
        await Assert.ThrowsAsync<ArgumentException>(() => CoordinatorServer.StartAsync(new CoordinatorServerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Name = "hub",
            State = mesh.State,
            Authority = mesh.Authority,
            Self = foreign,
        }, Cancel));
        Assert.Empty(await mesh.State.LoadDevicesAsync(Cancel));
    }

    [Fact]
    public async Task The_server_certificate_is_replaced_while_the_server_runs()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Time = time });
        using X509Certificate2 first = await ServerCertificateAsync(mesh.Server.Port);
        X509Certificate2 next = await ServerCertificateAsync(mesh.Server.Port);
        Assert.Equal(first.RawData, next.RawData);
        time.AdjustTime(time.GetUtcNow().AddDays(250));
        for (int i = 0; next.RawDataMemory.Span.SequenceEqual(first.RawDataMemory.Span); i++)
        {
            Assert.True(i < 500, "the certificate stayed the same");
            next.Dispose();
            time.Advance(TimeSpan.FromSeconds(5));
            next = await ServerCertificateAsync(mesh.Server.Port);
        }
        Assert.Equal(first.Subject, next.Subject);
        next.Dispose();
    }

    [Fact]
    public async Task A_port_in_use_is_told_with_its_endpoint()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        IPEndPoint taken = new(IPAddress.Loopback, mesh.Server.Port);
        CoordinatorListenException refused = await Assert.ThrowsAsync<CoordinatorListenException>(() => CoordinatorServer.StartAsync(new CoordinatorServerOptions
        {
            Listen = taken,
            Name = "hub",
            State = mesh.State,
            Authority = mesh.Authority,
        }, Cancel));
        Assert.Equal((taken, SocketError.AddressAlreadyInUse), (refused.Endpoint, refused.Error));
        CoordinatorListenException foreign = await Assert.ThrowsAsync<CoordinatorListenException>(() => CoordinatorServer.StartAsync(new CoordinatorServerOptions
        {
            Listen = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0),
            Name = "hub",
            State = mesh.State,
            Authority = mesh.Authority,
        }, Cancel));
        Assert.Equal(SocketError.AddressNotAvailable, foreign.Error);
    }
}
