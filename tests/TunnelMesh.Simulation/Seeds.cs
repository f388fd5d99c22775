using System.Globalization;

namespace TunnelMesh.Simulation;

/// <summary>Runs a scenario under many seeds. A failure names its seed; <c>TUNNELMESH_SEED</c> repeats that one alone.</summary>
internal static class Seeds
{
    /// <summary>Runs a scenario once for each seed.</summary>
    /// <param name="count">Seeds 1 to this.</param>
    /// <param name="scenario">Makes its own world of the seed.</param>
    public static void Each(int count, Action<int> scenario)
    {
        string? chosen = Environment.GetEnvironmentVariable("TUNNELMESH_SEED");
        int only = chosen is null ? 0 : int.Parse(chosen, CultureInfo.InvariantCulture);
        for (int seed = 1; seed <= count; seed++)
        {
            Run(only == 0 ? seed : only, scenario);
            if (only != 0)
            {
                return;
            }
        }
    }

    private static void Run(int seed, Action<int> scenario)
    {
        try
        {
            scenario(seed);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (TUNNELMESH_SEED={seed} repeats it): {e.Message}", e);
        }
    }
}
