using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class CoordinatorChoiceTests
{
    private static readonly CoordinatorAddress Good = new("good", 1), Hole = new("hole", 2), Second = new("second", 3);
    private readonly FakeTimeProvider _time = new();
    private readonly List<CoordinatorAddress> _knocked = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A black hole never answers; it only ends with the pause.
    private async Task<bool> KnockAsync(CoordinatorAddress server, CancellationToken cancel)
    {
        _knocked.Add(server);
        if (server == Hole)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        }
        return true;
    }

    private async Task PauseAsync(CoordinatorChoice choice, CoordinatorAddress dialled)
    {
        Task pause = choice.PauseAsync(TimeSpan.FromSeconds(1), dialled, [Good, Hole, Second], Cancel);
        Assert.False(pause.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await pause;
    }

    [Fact]
    public async Task The_address_that_worked_last_is_dialled_again_and_a_black_hole_never()
    {
        CoordinatorChoice choice = new(Good, KnockAsync, _time);
        List<CoordinatorAddress> dialled = [];
        for (int i = 0; i < 7; i++)
        {
            dialled.Add(choice.Next());
            await PauseAsync(choice, dialled[^1]);
        }
        // The hole is knocked at in the first pause, the second one in the next.
        Assert.Equal([Good, Good, Second, Good, Good, Second, Good], dialled);
        Assert.Equal([Hole, Second, Hole, Second, Hole], _knocked);

        choice.Worked(Second);
        Assert.Equal(Second, choice.Next());
        await PauseAsync(choice, Second);
        Assert.Contains(choice.Next(), new[] { Second, Good });
    }

    [Fact]
    public async Task A_pause_ends_when_it_is_cancelled()
    {
        CoordinatorChoice choice = new(Good, KnockAsync, _time);
        using CancellationTokenSource stop = new();
        Task pause = choice.PauseAsync(TimeSpan.FromSeconds(1), Good, [Good, Hole], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pause);
    }

    [Fact]
    public async Task A_knock_hears_whether_something_listens()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        CoordinatorAddress server = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        Assert.True(await CoordinatorChoice.Knock(Dialling.Plain)(server, Cancel));
        listener.Stop();
        Assert.False(await CoordinatorChoice.Knock(Dialling.Plain)(server, Cancel));
        Assert.False(await CoordinatorChoice.Knock(Dialling.Plain)(new CoordinatorAddress("127.0.0.1", 9), new CancellationToken(canceled: true)));
    }
}
