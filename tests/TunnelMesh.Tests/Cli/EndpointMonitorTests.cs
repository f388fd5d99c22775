using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Tests.Cli;

public sealed class EndpointMonitorTests
{
    [Fact]
    public async Task A_look_that_fails_is_told_once_and_is_not_the_last()
    {
        IPEndPoint[] found = [new(IPAddress.Parse("192.0.2.1"), 2223)];
        TaskCompletionSource<IReadOnlyList<IPEndPoint>> heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<Exception> told = [];
        FakeTimeProvider time = new();
        int looks = 0;
        using FakeMonitor network = new();
        await using (new EndpointMonitor(
            network,
            () => ++looks < 3 ? throw new ArgumentException("An invalid IP address was specified.") : found,
            (list, _) =>
            {
                heard.TrySetResult(list);
                return Task.CompletedTask;
            },
            told.Add, time))
        {
            while (!heard.Task.IsCompleted)
            {
                time.Advance(EndpointMonitor.Look);
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }
        Assert.Same(found, await heard.Task);
        Assert.True(looks >= 3);
        Assert.Single(told);
    }

    [Fact]
    public async Task It_stops_cleanly_while_its_looks_fail()
    {
        FakeTimeProvider time = new();
        TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using FakeMonitor network = new();
        await using EndpointMonitor monitor = new(network, () => throw new IOException("gone"), (_, _) => Task.CompletedTask, _ => failed.TrySetResult(), time);
        while (!failed.Task.IsCompleted)
        {
            time.Advance(EndpointMonitor.Look);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_change_of_the_network_is_looked_at_without_waiting()
    {
        using FakeMonitor network = new();
        SemaphoreSlim heard = new(0);
        await using (new EndpointMonitor(network, () => [], (_, _) =>
        {
            heard.Release();
            return Task.CompletedTask;
        }, _ => Assert.Fail("no failure"), new FakeTimeProvider()))
        {
            Assert.True(await heard.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
            for (int i = 0; i < 3; i++)
            {
                network.Tell(NetworkChanges.DefaultRoute);
                Assert.True(await heard.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
            }
        }
        network.Tell(NetworkChanges.Addresses);
        Assert.Equal(0, heard.CurrentCount);
    }

    private sealed class FakeMonitor : INetworkMonitor
    {
        public event Action<NetworkChanges>? Changed;

        public NetworkState State { get; } = new([], null, null);

        public void Tell(NetworkChanges changes) => Changed?.Invoke(changes);

        public void Dispose()
        {
        }
    }
}
