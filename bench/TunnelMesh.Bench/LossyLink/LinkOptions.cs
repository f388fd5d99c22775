using System.Globalization;

namespace TunnelMesh.Bench.LossyLink;

/// <summary>What a link is like.</summary>
/// <param name="Near">Name of the TUN device at one end, made in the program's own network namespace; whoever needs it elsewhere moves it.</param>
/// <param name="Far">Name of the other.</param>
/// <param name="LossPercent">How many of a hundred packets are lost, in each direction.</param>
/// <param name="DelayMilliseconds">From one end to the other.</param>
/// <param name="Seed">Decides which packets are lost.</param>
/// <param name="Queue">Packets that may be on their way in each direction.</param>
internal sealed record LinkOptions(string Near, string Far, double LossPercent, double DelayMilliseconds, int Seed, int Queue)
{
    /// <summary>Reads `NEAR FAR LOSS_PERCENT DELAY_MS [SEED [QUEUE]]`; null when that is not what stands there.</summary>
    public static LinkOptions? TryParse(ReadOnlySpan<string> words)
    {
        int seed = 1, queue = 8192;
        return words.Length is >= 4 and <= 6
            && words[0].Length is > 0 and < 16 && words[1].Length is > 0 and < 16
            && double.TryParse(words[2], CultureInfo.InvariantCulture, out double loss) && loss is >= 0 and <= 100
            && double.TryParse(words[3], CultureInfo.InvariantCulture, out double delay) && delay is >= 0 and <= 10_000
            && (words.Length < 5 || int.TryParse(words[4], CultureInfo.InvariantCulture, out seed))
            && (words.Length < 6 || (int.TryParse(words[5], CultureInfo.InvariantCulture, out queue) && queue is > 0 and <= 100_000))
            ? new LinkOptions(words[0], words[1], loss, delay, seed, queue)
            : null;
    }
}
