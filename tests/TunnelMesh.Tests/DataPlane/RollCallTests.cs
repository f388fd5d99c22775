using TunnelMesh.Node.DataPlane;

namespace TunnelMesh.Tests.DataPlane;

public sealed class RollCallTests
{
    [Fact]
    public void A_thread_is_woken_and_answers_when_it_comes_by_and_not_before()
    {
        int woken = 0;
        var roll = new RollCall(() => woken++);
        roll.Answer();
        Task first = roll.Ask(), second = roll.Ask();
        Assert.Equal(2, woken);
        Assert.False(first.IsCompleted);
        roll.Answer();
        Assert.True(first.IsCompletedSuccessfully && second.IsCompletedSuccessfully);

        // An answer counts for those who asked before it.
        Task third = roll.Ask();
        Assert.False(third.IsCompleted);
        roll.Answer();
        Assert.True(third.IsCompletedSuccessfully);
    }
}
