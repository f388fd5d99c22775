using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Tests.Paths;

namespace TunnelMesh.Tests.Sessions;

public sealed class PendingPingTests
{
    [Fact]
    public async Task An_answer_tells_how_often_the_path_had_changed_when_the_probe_was_sent()
    {
        PendingPing ping = new();
        ping.NoteSent(7, PathTrial.Wan, changes: 3, now: 1000);
        Assert.False(ping.NoteEcho(8, PathTrial.Wan, TimeProvider.System, 2000));
        Assert.True(ping.NoteEcho(7, PathTrial.Wan, TimeProvider.System, 2000));
        PingResult result = await ping.Answer;
        Assert.Equal((3L, "udp"), (result.PathChanges, result.Transport));
    }
}
