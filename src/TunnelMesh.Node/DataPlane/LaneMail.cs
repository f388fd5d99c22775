using System.Collections.Concurrent;

namespace TunnelMesh.Node.DataPlane;

/// <summary>The letters for one lane, in order. Any thread posts and the lane's own takes. For what is rare: a letter allocates.</summary>
/// <param name="wake">Ends the lane's wait.</param>
internal sealed class LaneMail(Action wake)
{
    /// <summary>Letters kept at most; packets are lost beyond, as in every queue on their way.</summary>
    public const int MaxLetters = 1024;

    private readonly ConcurrentQueue<LaneLetter> _letters = new();
    private int _count;

    /// <summary>Leaves a letter.</summary>
    /// <returns>False when there are too many.</returns>
    public bool TryPost(in LaneLetter letter)
    {
        if (Interlocked.Increment(ref _count) > MaxLetters)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        _letters.Enqueue(letter);
        wake();
        return true;
    }

    /// <summary>Takes the oldest letter.</summary>
    public bool TryTake(out LaneLetter letter)
    {
        if (Volatile.Read(ref _count) == 0 || !_letters.TryDequeue(out letter))
        {
            letter = default;
            return false;
        }

        Interlocked.Decrement(ref _count);
        return true;
    }
}
