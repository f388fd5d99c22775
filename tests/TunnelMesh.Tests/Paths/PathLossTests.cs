using TunnelMesh.Node.Paths;

namespace TunnelMesh.Tests.Paths;

public sealed class PathLossTests
{
    private const int Small = PeerPaths.SmallSize;
    private readonly PeerPath _path = new(PathTrial.Wan) { State = PathState.Proven };
    private ulong _challenge;
    private long _now = 1_000;

    private void Probe(bool answered, int size = Small)
    {
        _path.NoteProbe(++_challenge, size, _now);
        Assert.True(!answered || _path.TryTakeEcho(_challenge, size, _now + 20));
        _now += 100;
    }

    [Fact]
    public void A_path_that_begins_anew_has_no_counts_of_before()
    {
        Probe(answered: true);
        Probe(answered: false);
        _path.Reset();
        Assert.Equal((0L, 0L, 0.0, PeerPath.Never), (_path.Probes, _path.Echoes, _path.Loss, _path.HeardAt));
    }

    [Fact]
    public void Probes_lost_in_an_outage_are_no_loss_once_it_is_over()
    {
        for (int i = 0; i < 20; i++)
        {
            Probe(answered: true);
        }

        Probe(answered: false);
        Probe(answered: false);
        Probe(answered: false);
        _path.State = PathState.Doubted;
        for (int i = 0; i < 60; i++)
        {
            Probe(answered: false);
        }

        Probe(answered: true);
        _path.State = PathState.Proven;
        for (int i = 0; i < 60; i++)
        {
            Probe(answered: true);
            Assert.Equal(0, _path.Loss);
        }
    }

    [Fact]
    public void An_outage_that_nobody_noticed_is_none_either()
    {
        for (int i = 0; i < 4; i++)
        {
            Probe(answered: false);
        }

        Probe(answered: true);
        Assert.Equal(0, _path.Loss);
    }

    [Fact]
    public void What_is_lost_now_and_then_counts_at_once_and_is_forgotten_again()
    {
        Probe(answered: false);
        Assert.Equal(0, _path.Loss);
        Probe(answered: true);
        Assert.Equal(15.0 / 256, _path.Loss, 1e-9);
        for (int i = 0; i < 200; i++)
        {
            Probe(answered: i % 4 != 0);
        }

        Assert.InRange(_path.Loss, 0.18, 0.32);
        for (int i = 0; i < 16; i++)
        {
            Probe(answered: true);
        }

        Assert.InRange(_path.Loss, 0.01, 0.13);
    }

    [Fact]
    public void Large_probes_are_no_loss_and_a_late_echo_is_still_one()
    {
        Probe(answered: false, PathTrial.Full);
        Probe(answered: true);
        Assert.Equal(0, _path.Loss);
        Probe(answered: false);
        Probe(answered: true);
        Assert.True(_path.TryTakeEcho(_challenge - 1, Small, _now));
        Assert.Equal(3, _path.Echoes);
        Assert.False(_path.TryTakeEcho(_challenge - 1, Small, _now));
    }
}
