namespace TunnelMesh.SystemTests.Machines;

public sealed class UnderlayTests
{
    [Fact]
    public async Task Machines_reach_each_other_over_both_families_and_leave_nothing_behind()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        string tag;
        await using (Underlay underlay = await Underlay.CreateAsync(cancel))
        {
            tag = underlay.Tag;
            NetworkNamespace first = await underlay.AddMachineAsync(cancel);
            NetworkNamespace second = await underlay.AddMachineAsync(cancel);
            Assert.True(await first.ReachesAsync(second.Address, 5, cancel));
            Assert.True(await second.ReachesAsync(first.Address6, 5, cancel));
        }

        Assert.DoesNotContain(tag, await Command.RunAsync(["ip", "netns", "list"], cancel: cancel), StringComparison.Ordinal);
    }
}
