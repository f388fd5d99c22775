using System.Globalization;
using System.Security.Cryptography;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>A peer to which the system gives no more file descriptors.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class DescriptorTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_connects_while_there_is_none_is_served_when_there_is_one_again_and_no_processor_is_taken_until_then()
    {
        Requirements.Programs("prlimit", "getconf");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        await hub.JoinAsync(Cancel);
        string process = hub.Program!.ProcessId.ToString(CultureInfo.InvariantCulture);
        long ticks = long.Parse(await hub.Machine.RunAsync(["getconf", "CLK_TCK"], cancel: Cancel), CultureInfo.InvariantCulture);
        string soft = (await hub.Machine.RunAsync(["prlimit", "--pid", process, "--nofile", "--output", "SOFT", "--noheadings"], cancel: Cancel)).Trim();

        // A new descriptor would have to be below 3, and those are taken.
        await hub.Machine.RunAsync(["prlimit", "--pid", process, "--nofile=3:"], cancel: Cancel);
        using LocalApiClient client = await hub.ConnectAsync(Cancel);
        Task<StatusReport> asking = client.StatusAsync(Cancel);
        long before = await UsedAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
        double used = (await UsedAsync() - before) / (double)ticks;
        Assert.False(asking.IsCompleted);
        Assert.True(used < 0.5, $"{used} s of processor time within 2 s");

        await hub.Machine.RunAsync(["prlimit", "--pid", process, $"--nofile={soft}:"], cancel: Cancel);
        Assert.Equal("hub", (await asking.WaitAsync(TimeSpan.FromSeconds(5), Cancel)).Name);
        Assert.True((await hub.AskAsync(Cancel, "status")).Succeeded);

        // proc_pid_stat(5): utime and stime are fields 14 and 15, and the name before them may have blanks.
        async Task<long> UsedAsync()
        {
            string stat = await File.ReadAllTextAsync($"/proc/{process}/stat", Cancel);
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }
    }
}
