namespace TunnelMesh.Node.DataPlane;

/// <summary>Asks a lane's thread whether it still goes round. Any thread asks; the lane's own answers, at the cost of one read a round.</summary>
/// <param name="wake">Ends the thread's wait.</param>
internal sealed class RollCall(Action wake)
{
    private TaskCompletionSource? _asked;

    /// <summary>Ends when the thread has come by. Those who ask meanwhile share the answer.</summary>
    public Task Ask()
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task answer = (Interlocked.CompareExchange(ref _asked, mine, null) ?? mine).Task;
        wake();
        return answer;
    }

    /// <summary>The thread comes by.</summary>
    public void Answer()
    {
        if (Volatile.Read(ref _asked) is not null)
        {
            Interlocked.Exchange(ref _asked, null)?.TrySetResult();
        }
    }
}
