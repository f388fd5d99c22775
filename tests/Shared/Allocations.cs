namespace TunnelMesh.Tests.Shared;

/// <summary>What a piece of code allocates, for tests of paths that must allocate nothing.</summary>
internal static class Allocations
{
    private const int Rounds = 20;

    /// <summary>
    /// The fewest bytes that <paramref name="round"/> allocates on this thread in any of 20 rounds, after one to warm up; the first that allocates nothing is the last.
    /// The runtime allocates on the account of the thread that it interrupts, to put better code in place of what has become hot; what the code itself allocates shows in every round.
    /// </summary>
    public static long Least(Action round)
    {
        round();
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least != 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
