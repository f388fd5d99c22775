using System.Net.NetworkInformation;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class RepeatedLookTests
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromSeconds(10);
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task PassUntilAsync(Func<bool> done)
    {
        while (!done())
        {
            _time.Advance(Every);
            await Task.Delay(1, Cancel);
        }
    }

    [Fact]
    public async Task A_look_that_fails_is_told_of_once_and_is_not_the_last()
    {
        List<Exception> told = [];
        int looks = 0;
        await using (new RepeatedLook(_ => ++looks switch
        {
            1 or 2 => throw new NetworkInformationException(),
            3 => Task.FromException(new IOException("gone")),
            4 => Task.CompletedTask,
            5 => Task.FromException(new IOException("gone again")),
            // A call of the look's own that was given up is no end either.
            6 => Task.FromException(new OperationCanceledException()),
            _ => Task.CompletedTask,
        }, told.Add, Every, _time))
        {
            await PassUntilAsync(() => Volatile.Read(ref looks) >= 8);
        }
        Assert.Equal([typeof(NetworkInformationException), typeof(IOException), typeof(IOException), typeof(OperationCanceledException)], told.Select(e => e.GetType()));
    }

    [Fact]
    public async Task Its_end_gives_up_the_look_that_is_under_way_and_does_not_throw()
    {
        TaskCompletionSource began = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RepeatedLook look = new(async stop =>
        {
            began.TrySetResult();
            await Task.Delay(Timeout.Infinite, stop);
        }, e => Assert.Fail(e.Message), Every, _time);
        look.Now();
        await began.Task.WaitAsync(Patience, Cancel);
        await look.DisposeAsync();
        look.Now();

        TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RepeatedLook broken = new(_ => throw new IOException("gone"), _ =>
        {
            failed.TrySetResult();
            throw new InvalidOperationException("the log is gone, too");
        }, Every, _time);
        broken.Now();
        await failed.Task.WaitAsync(Patience, Cancel);
        await broken.DisposeAsync();
    }

    [Fact]
    public async Task What_is_told_to_look_now_does_not_wait()
    {
        using SemaphoreSlim looked = new(0);
        await using RepeatedLook look = new(_ =>
        {
            looked.Release();
            return Task.CompletedTask;
        }, e => Assert.Fail(e.Message), Every, _time);
        for (int i = 0; i < 3; i++)
        {
            look.Now();
            Assert.True(await looked.WaitAsync(Patience, Cancel));
        }
    }
}
