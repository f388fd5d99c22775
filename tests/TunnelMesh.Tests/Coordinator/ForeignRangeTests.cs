using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A real coordinator of the mesh, with all its keys and proofs, that names ranges which are not a mesh's: addresses of others would be led into it.</summary>
public sealed class ForeignRangeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0.0.0.0/0", null)]
    [InlineData("8.0.0.0/8", null)]
    [InlineData(null, "::/0")]
    [InlineData(null, "fc00::/7")]
    [InlineData("10.42.0.0/16\u001b[2J", null)]
    public async Task Nobody_joins_or_renews_there_and_is_told_why(string? cidr, string? cidr6)
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest known = mesh.Request("known");
        using X509Certificate2 server = mesh.Authority.IssueServer("hub", []);
        (await mesh.JoinAsync(known)).Certificate.Leaf.Dispose();
        MeshRegistry registry = await MeshRegistry.LoadAsync(mesh.State, TimeSpan.FromDays(1), null, Cancel);
        TokenSet tokens = new(await mesh.State.LoadTokensAsync(Cancel), default);
        JoinHandler handler = new(new CoordinatorServerOptions { Listen = new(0, 0), Name = "hub", State = mesh.State, Authority = mesh.Authority }, registry,
            new ProofRateLimiter(TimeProvider.System), new ProofRateLimiter(TimeProvider.System), new RefusalLog(NullLogger.Instance, TimeProvider.System), () => tokens);
        bool honest = false;
        await using TlsRelay coordinator = await TlsRelay.StartAsync(server, [mesh.Authority.Issuer], serve: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            using RewrittenSocket changed = new(socket, message => message is JoinAccepted accepted && !honest
                ? accepted with { Mesh = accepted.Mesh with { Cidr = cidr ?? accepted.Mesh.Cidr, Cidr6 = cidr6 ?? accepted.Mesh.Cidr6 } }
                : message);
            await handler.HandleAsync(changed, System.Net.IPAddress.Loopback, MeshCertificateValidator.SpkiSha256(server), context.Request.Path == ControlProtocol.RenewPath, Cancel);
        });
        CoordinatorAddress there = new("127.0.0.1", coordinator.Port);
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request("newcomer") with { Server = there }));
        Check(refused);
        CoordinatorClient client = new(TimeProvider.System);
        Check(await Assert.ThrowsAsync<ControlException>(() => client.RenewAsync(known with { Server = there }, mesh.Root, Cancel)));

        honest = true;
        Assert.Equal("newcomer", (await mesh.JoinAsync(mesh.Request("newcomer") with { Server = there })).Device.Name[..8]);

        void Check(ControlException e)
        {
            Assert.Equal(ControlErrorCodes.BadMessage, e.Code);
            Assert.False(e.IsFinal);
            Assert.Contains((cidr ?? cidr6)!.Split('\u001b')[0], e.Message, StringComparison.Ordinal);
            Assert.Contains("coordinator.mesh_cidr", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
    }
}
