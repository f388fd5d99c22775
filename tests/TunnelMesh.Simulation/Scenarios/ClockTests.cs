using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Wall clocks that are wrong, or set while the tunnels stand.</summary>
public sealed class ClockTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(-3650)]
    [InlineData(3650)]
    public void A_clock_that_is_set_disturbs_no_session_and_no_rekey(int days) => Seeds.Each(3, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Repeat(3000, TimeSpan.FromMilliseconds(100), i => mesh.A.SendNumber(mesh.B, i));
        mesh.Run(60);
        mesh.A.Host.Clock.WallOffset = TimeSpan.FromDays(days);
        mesh.Run(241);
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => (long)i), mesh.B.Numbers);
        Assert.True(mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded] >= 3);
        Assert.Equal(0, mesh.B.Engine.HandshakeCounters[HandshakeResult.Replayed]);
    });

    [Fact]
    public void A_clock_set_back_over_a_restart_locks_nobody_out_when_the_last_timestamp_is_kept() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.A.Host.Clock.WallOffset = TimeSpan.FromDays(-1);
        mesh.A.Restart();
        mesh.A.Ping(mesh.B, 1);
        Assert.Equal(0.040, mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1), 3);
    });

    [Fact]
    public void Without_the_last_timestamp_a_clock_set_back_is_refused_as_a_replay_until_it_has_caught_up() => Seeds.Each(3, seed =>
    {
        var mesh = new SimulatedMesh(seed, adjust: (_, o) => o with { LastSent = null });
        mesh.Connect();
        mesh.A.Host.Clock.WallOffset = TimeSpan.FromSeconds(-40);
        mesh.A.Restart();
        mesh.Repeat(600, TimeSpan.FromMilliseconds(100), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(30);
        Assert.Empty(mesh.A.Pongs);
        Assert.True(mesh.B.Engine.HandshakeCounters[HandshakeResult.Replayed] > 0);
        mesh.RunUntil(() => mesh.A.Pongs.Count > 0, 20);
    });

    [Fact]
    public void A_clock_that_was_ahead_and_is_put_right_over_a_restart_locks_nobody_out() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.A.Host.Clock.WallOffset = TimeSpan.FromDays(365);
        mesh.Connect();
        mesh.A.Host.Clock.WallOffset = TimeSpan.Zero;
        for (int i = 0; i < 5; i++)
        {
            mesh.A.Restart();
            mesh.A.Ping(mesh.B, i);
            Assert.Equal(0.040, mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1), 3);
            mesh.A.Received.Clear();
            mesh.Run(1);
        }
    });
}
