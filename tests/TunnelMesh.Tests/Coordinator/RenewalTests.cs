using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Renewals while the control stream lives on.</summary>
public sealed class RenewalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_that_ends_while_nothing_new_can_be_dialled_is_renewed_when_it_can()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using TestMesh mesh = await TestMesh.StartAsync(time: time);
        TestPeer peer = await mesh.PeerAsync("laptop");
        await peer.SeesAsync("laptop", online: true);

        using TcpListener nowhere = new(IPAddress.Loopback, 0);
        nowhere.Start();
        mesh.Relay.Target = ((IPEndPoint)nowhere.LocalEndpoint).Port;
        time.Advance(TimeSpan.FromHours(25));
        (await nowhere.AcceptTcpClientAsync(Cancel)).Dispose();
        mesh.Relay.Target = mesh.Server.Port;

        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        while (peer.Renewals == 0)
        {
            // Whoever waits for the next minute may begin to only after this one.
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Delay(20, patience.Token);
        }
        Assert.True(peer.Stream.Certificate!.NotAfter > time.GetUtcNow());
        Assert.Single(peer.States, s => s.Phase == ControlPhase.Connected);
        Assert.DoesNotContain(peer.States, s => s.Phase == ControlPhase.Disconnected);
    }
}
