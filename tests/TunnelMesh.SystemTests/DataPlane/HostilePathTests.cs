using System.Runtime.ExceptionServices;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.WireGuard;

namespace TunnelMesh.SystemTests.DataPlane;

/// <summary>A soak: a live tunnel under traffic, through a machine that injects hostile datagrams both ways.</summary>
[Collection(WholeProcess.Name)]
public sealed class HostilePathTests
{
    private const int Pings = 4000;

    [Fact]
    public async Task Random_and_mutated_datagrams_cost_no_packet_no_exception_and_no_memory()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace left = await underlay.AddMachineAsync(cancel), middle = await underlay.AddMachineAsync(cancel), right = await underlay.AddMachineAsync(cancel);
        WireGuardKeys leftKeys = await WireGuardKeys.CreateAsync(cancel), rightKeys = await WireGuardKeys.CreateAsync(cancel);
        using OurDevice leftDevice = OurDevice.Start(left, leftKeys, ["10.9.0.1/24"]), rightDevice = OurDevice.Start(right, rightKeys, ["10.9.0.2/24"]);
        using HostilePath path = HostilePath.Open(middle, seed: 7);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        int thrown = 0;
        void Count(object? sender, FirstChanceExceptionEventArgs e) => thrown += Thread.CurrentThread.Name?.StartsWith("lane ", StringComparison.Ordinal) == true ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            Task passing = path.RunAsync(new(System.Net.IPAddress.Parse(left.Address), leftDevice.Port), new(System.Net.IPAddress.Parse(right.Address), rightDevice.Port), over.Token);
            leftDevice.SetPeer(rightKeys, ["10.9.0.2/32"], path.Left.ToString(), stock: false);
            rightDevice.SetPeer(leftKeys, ["10.9.0.1/32"], null, stock: false);
            Assert.True(await left.ReachesAsync("10.9.0.2", 10, cancel), leftDevice.Describe() + rightDevice.Describe());
            long before = GC.GetTotalMemory(forceFullCollection: true);
            CommandResult ping = await left.TryRunAsync(["ping", "-n", "-q", "-c", $"{Pings}", "-i", "0.002", "-s", "900", "10.9.0.2"], cancel);
            Assert.Contains($"{Pings} packets transmitted, {Pings} received, 0% packet loss", ping.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("duplicates", ping.Output, StringComparison.Ordinal);
            long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            Assert.True(grown < 2 << 20, $"grown by {grown} bytes");
            await over.CancelAsync();
            await passing;
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }

        string seen = leftDevice.Describe() + "\n" + rightDevice.Describe();
        Assert.True(path.Injected > 5 * path.Delivered - 10 && path.Delivered >= 2 * Pings, seen);
        Assert.True(thrown == 0, $"{thrown} exceptions\n{seen}");
        foreach (OurDevice device in (OurDevice[])[leftDevice, rightDevice])
        {
            Assert.False(device.Plane.Completion.IsCompleted);
            Assert.True(device.Plane.Counters[DropReason.Forged] > Pings, seen);
            Assert.True(device.Plane.Counters[DropReason.Replayed] > Pings, seen);
            Assert.True(device.Plane.Counters[DropReason.NoSession] > 0 && device.Plane.Counters[DropReason.Malformed] > 0, seen);
            Assert.Equal(0, device.Plane.Counters[DropReason.BadSource]);
        }
    }
}
