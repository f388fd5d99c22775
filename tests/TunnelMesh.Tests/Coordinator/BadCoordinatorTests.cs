using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A coordinator of the mesh, with its certificate, that is damaged, newer or taken over: the peer's tunnels must live on.</summary>
public sealed class BadCoordinatorTests : IDisposable
{
    private X509Certificate2? _server;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _server?.Dispose();

    private static MapFull Full(TestMesh mesh, JoinResult joined, long number) =>
        new() { Epoch = "e", Number = number, Mesh = mesh.Mesh, Devices = [joined.Device], Coordinators = [] };

    private async Task<(TestPeer Peer, TlsRelay Coordinator)> RunAsync(TestMesh mesh, Func<JoinResult, int, IEnumerable<byte[]>> messages, Action<MapChange>? onMap = null)
    {
        JoinRequest request = mesh.Request("victim");
        JoinResult joined = await mesh.JoinAsync(request);
        _server = mesh.Authority.IssueServer("hub", []);
        int connections = 0;
        TlsRelay bad = await TlsRelay.StartAsync(_server, [mesh.Authority.Issuer], null, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[16 * 1024];
            await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            foreach (byte[] message in messages(joined, Interlocked.Increment(ref connections)))
            {
                await socket.SendAsync(message, WebSocketMessageType.Text, true, context.RequestAborted);
            }
            // Until the peer hangs up.
            while (socket.State is WebSocketState.Open)
            {
                await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            }
        });
        return (mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", bad.Port) }, joined.Certificate, onMap: onMap), bad);
    }

    [Fact]
    public async Task A_map_of_another_mesh_or_of_no_ranges_is_refused_and_the_stream_comes_back()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        (TestPeer peer, TlsRelay bad) = await RunAsync(mesh, (joined, connection) =>
        {
            MapFull good = Full(mesh, joined, connection);
            MeshInfo[] infos = [mesh.Mesh with { Cidr = "nonsense" }, mesh.Mesh with { Cidr = "10.0.0.0/8" }, mesh.Mesh with { Cidr6 = "::/0" }, mesh.Mesh with { MeshId = "0000000000" }, mesh.Mesh];
            return [ControlCodec.Encode(good with { Mesh = infos[Math.Min(connection, infos.Length) - 1] })];
        });
        await using (bad)
        {
            NetworkMap map = await peer.UntilAsync(m => m.Number == 5);
            Assert.Single(map.Devices);
            ControlState[] refused = [.. peer.States.Where(s => s.Phase == ControlPhase.Disconnected)];
            Assert.Equal(4, refused.Length);
            Assert.All(refused, s => Assert.Contains("address ranges", s.Problem, StringComparison.Ordinal));
            Assert.False(peer.Running.IsCompleted);
        }
    }

    [Fact]
    public async Task A_coordinator_that_takes_the_connection_and_never_answers_is_given_up_and_dialled_again()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request("victim");
        JoinResult joined = await mesh.JoinAsync(request);
        _server = mesh.Authority.IssueServer("hub", []);
        await using TlsRelay hung = await TlsRelay.StartAsync(_server, [mesh.Authority.Issuer], null, context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        TestPeer peer = mesh.Run(request with
        {
            Server = new CoordinatorAddress("127.0.0.1", hung.Port),
            Dialling = new Dialling { Patience = TimeSpan.FromSeconds(1) },
        }, joined.Certificate);
        await peer.UntilStateAsync(s => s.Problem?.Contains("does not answer", StringComparison.Ordinal) == true);
        Assert.False(peer.Running.IsCompleted);
    }

    [Fact]
    public async Task Messages_with_holes_are_passed_over_and_the_next_good_one_counts()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        (TestPeer peer, TlsRelay bad) = await RunAsync(mesh, (joined, _) =>
        [
            ControlCodec.Encode(Full(mesh, joined, 1)),
            Encoding.UTF8.GetBytes("""{"type":"delta","epoch":"e","from":1,"number":2,"presence":[null]}"""),
            Encoding.UTF8.GetBytes("""{"type":"delta","epoch":"e","from":1,"number":2,"upserted":[null]}"""),
            Encoding.UTF8.GetBytes("""{"type":"delta","epoch":"e","from":1,"number":3}"""),
        ]);
        await using (bad)
        {
            await peer.UntilAsync(m => m.Number == 3);
            Assert.DoesNotContain(peer.States, s => s.Phase == ControlPhase.Disconnected);
        }
    }

    [Fact]
    public async Task Whatever_a_map_makes_the_peer_stumble_over_does_not_end_it()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        int maps = 0;
        (TestPeer peer, TlsRelay bad) = await RunAsync(mesh, (joined, connection) => [ControlCodec.Encode(Full(mesh, joined, connection))],
            _ =>
            {
                if (++maps == 1)
                {
                    throw new FormatException("no range");
                }
            });
        await using (bad)
        {
            await peer.UntilStateAsync(s => s.Problem?.Contains("FormatException", StringComparison.Ordinal) == true);
            await peer.UntilAsync(m => m.Number > 1);
            Assert.False(peer.Running.IsCompleted);
        }
    }
}
