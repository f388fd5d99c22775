using CsCheck;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

public class ReplayWindowTests
{
    [Fact]
    public void The_window_is_at_least_8192() => Assert.True(ReplayWindow.Size >= 8192);

    [Fact]
    public void The_edge_of_the_window_is_exact()
    {
        ReplayWindow window = new();
        Assert.True(window.TryAccept(ReplayWindow.Size + 10));
        Assert.False(window.TryAccept(10));
        Assert.True(window.TryAccept(11));
        Assert.False(window.TryAccept(11));
    }

    [Fact]
    public void It_agrees_with_a_slow_and_obvious_one()
    {
        Gen<long> step = Gen.OneOf(Gen.Long[-40, 40], Gen.Long[-20_000, 20_000], Gen.Long[-200, 300_000]);
        step.Array[1, 400].Sample(steps =>
        {
            ReplayWindow window = new();
            HashSet<ulong> seen = [];
            ulong greatest = 0, at = 0;
            foreach (long change in steps)
            {
                at = (ulong)Math.Max(0, (long)at + change);
                bool expected = !seen.Contains(at) && (at > greatest || greatest - at < ReplayWindow.Size);
                if (window.TryAccept(at) != expected)
                {
                    return false;
                }
                seen.Add(at);
                greatest = Math.Max(greatest, at);
            }
            return true;
        });
    }

    [Fact]
    public void The_largest_counters_do_not_wrap()
    {
        ReplayWindow window = new();
        ulong last = TransportKeypair.RejectAfterMessages - 1;
        Assert.True(window.TryAccept(0));
        Assert.True(window.TryAccept(last));
        Assert.False(window.TryAccept(last));
        Assert.True(window.TryAccept(last - 1));
        Assert.False(window.TryAccept(0));
    }
}
