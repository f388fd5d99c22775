using System.Globalization;

namespace TunnelMesh.Node.LocalApi;

/// <summary>How long and for how many devices a new token may count. Pure.</summary>
public static class TokenLimits
{
    /// <summary>The most devices that a token with a limit admits.</summary>
    public const long MostUses = 1_000_000;

    /// <summary>The shortest life of a token that has an end.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    /// <summary>The longest one.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>What is wrong with the life of a new token, a sentence; null when nothing is.</summary>
    /// <param name="seconds">Seconds; null for no end.</param>
    public static string? FaultOfLife(double? seconds) =>
        seconds is null || (seconds >= Shortest.TotalSeconds && seconds <= Longest.TotalSeconds) ? null : "A token lives from one minute (1m) to ten years (3650d), or without an end.";

    /// <summary>What is wrong with the number of devices, a sentence; null when nothing is.</summary>
    /// <param name="uses">Devices; null for any number.</param>
    public static string? FaultOfUses(long? uses) => uses is null or (>= 1 and <= MostUses) ? null : string.Create(CultureInfo.InvariantCulture, $"A token admits from 1 to {MostUses} devices, or any number.");
}
