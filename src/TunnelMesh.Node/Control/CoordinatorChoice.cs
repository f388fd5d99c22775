using System.Net.Sockets;

namespace TunnelMesh.Node.Control;

/// <summary>
/// Which coordinator address is dialled next. The map names every address of a coordinator, private ones too, that this peer may be unable to reach: so the one that
/// worked last is dialled every time, unless another has just answered a knock, which takes place while the peer pauses anyway. Used by one task.
/// </summary>
/// <param name="first">Dialled until another has worked.</param>
/// <param name="knock">Whether something listens at an address; ends when the token does.</param>
/// <param name="clock">Timers.</param>
internal sealed class CoordinatorChoice(CoordinatorAddress first, Func<CoordinatorAddress, CancellationToken, Task<bool>> knock, TimeProvider clock)
{
    private CoordinatorAddress _good = first;
    private CoordinatorAddress? _answered;
    private int _turn;

    /// <summary>Where to dial now.</summary>
    public CoordinatorAddress Next()
    {
        CoordinatorAddress next = _answered ?? _good;
        _answered = null;
        return next;
    }

    /// <summary>A stream stood at this address.</summary>
    public void Worked(CoordinatorAddress server) => _good = server;

    /// <summary>Waits before the next attempt, and meanwhile knocks at one of the other addresses; each has its turn.</summary>
    /// <param name="wait">How long.</param>
    /// <param name="dialled">What has just failed.</param>
    /// <param name="all">Every address known.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task PauseAsync(TimeSpan wait, CoordinatorAddress dialled, IEnumerable<CoordinatorAddress> all, CancellationToken cancel)
    {
        CoordinatorAddress[] others = [.. all.Where(a => a != _good).Distinct()];

        // After one that answered and then was of no use it is the good one's turn again.
        if (others.Length == 0 || dialled != _good)
        {
            await Task.Delay(wait, clock, cancel).ConfigureAwait(false);
            return;
        }
        CoordinatorAddress other = others[_turn++ % others.Length];
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<bool> knocking = knock(other, over.Token);
        await Task.Delay(wait, clock, cancel).ConfigureAwait(false);
        if (knocking.IsCompleted && await knocking.ConfigureAwait(false))
        {
            _answered = other;
            return;
        }
        await over.CancelAsync().ConfigureAwait(false);
        await ((Task)knocking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Tells whether a TCP connection to an address stands before the token ends.</summary>
    /// <param name="dialling">How. A proxy would answer for everyone, so what is reached through one is taken to be there: each then has its turn.</param>
    public static Func<CoordinatorAddress, CancellationToken, Task<bool>> Knock(Dialling dialling) => async (server, cancel) =>
    {
        if (dialling.Proxy.Applies(server.Host, server.Port))
        {
            return true;
        }
        try
        {
            using Socket socket = await TcpDialler.ConnectAsync(server.Host, server.Port, dialling, cancel).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            return false;
        }
    };
}
