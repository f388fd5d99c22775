using TunnelMesh.Node.ExitNode;

namespace TunnelMesh.Tests.ExitNode;

public sealed class ExitHealthTests
{
    [Fact]
    public void One_answer_is_up_and_three_silences_in_a_row_are_down()
    {
        ExitHealth health = new();
        Assert.False(health.IsUp);
        health.Note(heard: true);
        Assert.True(health.IsUp);
        Assert.Equal(ExitHealth.Fresh, health.Pause);
        health.Note(heard: false);
        health.Note(heard: false);
        Assert.True(health.IsUp);
        Assert.True(health.Pause < ExitHealth.Fresh);
        health.Note(heard: true);
        for (int i = 0; i < ExitHealth.Silences; i++)
        {
            Assert.True(health.IsUp);
            health.Note(heard: false);
        }

        Assert.False(health.IsUp);
        health.Note(heard: false);
        health.Note(heard: true);
        Assert.True(health.IsUp);
        health.Reset();
        Assert.False(health.IsUp);
    }
}
