using System.Globalization;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>A long link between two machines that loses packets: the program the benchmarks use, too (`bench link`).</summary>
internal sealed class LossyLink : IAsyncDisposable
{
    private readonly NetworkNamespace _cable;
    private readonly RunningProgram _program;

    private LossyLink(NetworkNamespace cable, RunningProgram program) => (_cable, _program) = (cable, program);

    /// <summary>Lays it; the Ethernet ports of both machines give way to it, and their addresses go with it.</summary>
    /// <param name="underlay">Whose machines they are.</param>
    /// <param name="near">One.</param>
    /// <param name="far">The other.</param>
    /// <param name="lossPercent">Of a hundred packets so many are lost, in each direction.</param>
    /// <param name="delayMilliseconds">From one end to the other.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<LossyLink> LayAsync(Underlay underlay, NetworkNamespace near, NetworkNamespace far, double lossPercent, double delayMilliseconds, CancellationToken cancel)
    {
        NetworkNamespace cable = await NetworkNamespace.CreateAsync($"{underlay.Tag}-link", "", "", cancel);
        RunningProgram program = cable.Start(
        [
            Path.Combine(AppContext.BaseDirectory, "TunnelMesh.Bench"), "link", "near", "far",
            lossPercent.ToString(CultureInfo.InvariantCulture), delayMilliseconds.ToString(CultureInfo.InvariantCulture),
        ]);
        LossyLink link = new(cable, program);
        try
        {
            await program.WaitForLineAsync("is there", TimeSpan.FromSeconds(20), cancel);
            foreach ((NetworkNamespace machine, string device) in new[] { (near, "near"), (far, "far") })
            {
                await machine.IpAsync("link set eth0 down", cancel);
                await machine.IpAsync("address flush dev eth0", cancel);
                await cable.IpAsync($"link set {device} netns {machine.Name}", cancel);
                await machine.IpAsync($"address add {machine.Address}/24 dev {device}", cancel);
                await machine.IpAsync($"address add {machine.Address6}/64 dev {device} nodad", cancel);
                await machine.IpAsync($"link set {device} up", cancel);
            }

            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it; how many packets it took and how many of them it lost, both directions together.</summary>
    public async Task<(int Taken, int Lost)> StopAsync(CancellationToken cancel)
    {
        string last = await WhenEndedAsync(cancel);
        int[][] lines = [.. last.Split('\n').Where(l => l.Contains(" lost, ", StringComparison.Ordinal)).Select(Numbers)];
        Assert.True(lines.Length == 2 && lines.All(l => l[2] == 0), last);
        return (lines.Sum(l => l[0]), lines.Sum(l => l[1]));
    }

    public async ValueTask DisposeAsync()
    {
        await _program.DisposeAsync();
        await _cable.DisposeAsync();
    }

    private async Task<string> WhenEndedAsync(CancellationToken cancel)
    {
        Assert.Equal(0, await _program.TerminateAsync(TimeSpan.FromSeconds(10), cancel));
        await _program.WaitForLineAsync("far to near: ", TimeSpan.FromSeconds(5), cancel);
        return _program.Output;
    }

    private static int[] Numbers(string line) =>
        [.. line.Split(' ').Select(w => int.TryParse(w, CultureInfo.InvariantCulture, out int n) ? n : -1).Where(n => n >= 0)];
}
