using System.Globalization;

namespace TunnelMesh.Cli.Configuration;

/// <summary>Sizes and durations as people write them.</summary>
internal static class Quantities
{
    /// <summary>Bytes: a plain number, or one with Ki Mi Gi Ti (binary) or their aliases K M G T.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        bytes = 0;
        string unit = text.TrimStart("0123456789".AsSpan().ToArray());
        int shift = unit switch { "" => 0, "K" or "Ki" => 10, "M" or "Mi" => 20, "G" or "Gi" => 30, "T" or "Ti" => 40, _ => -1 };
        if (shift < 0
            || !long.TryParse(text[..^unit.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            || count > long.MaxValue >> shift)
        {
            return false;
        }
        bytes = count << shift;
        return true;
    }

    /// <summary>A duration: parts with ms, s, m, h or d, largest first or not, e.g. <c>1h30m</c>; a plain number is seconds.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds))
        {
            return seconds <= 1_000_000_000 && Set(out duration, seconds);
        }
        double total = 0;
        int at = 0;
        while (at < text.Length)
        {
            int digits = at;
            while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
            {
                digits++;
            }
            int end = digits;
            while (end < text.Length && char.IsAsciiLetter(text[end]))
            {
                end++;
            }
            double factor = text[digits..end] switch { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, "d" => 86400, _ => 0 };
            if (factor == 0 || !double.TryParse(text.AsSpan(at, digits - at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double n))
            {
                return false;
            }
            total += n * factor;
            at = end;
        }
        return text.Length > 0 && total <= 1_000_000_000 && Set(out duration, total);
    }

    private static bool Set(out TimeSpan duration, double seconds)
    {
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
