using System.Globalization;

namespace TunnelMesh.Cli.Commands;

/// <summary>Numbers as people read them.</summary>
internal static class HumanText
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>A size with a binary unit: <c>512 B</c>, <c>1.5 KiB</c>.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return (unit == 0 ? bytes.ToString(CultureInfo.InvariantCulture) : value.ToString("0.0", CultureInfo.InvariantCulture)) + " " + Units[unit];
    }

    /// <summary>A duration in its two largest units: <c>3 h 5 min</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        TimeSpan d = duration < TimeSpan.Zero ? TimeSpan.Zero : duration;
        // Whole numbers look the same in every culture.
        return d switch
        {
            { TotalDays: >= 1 } => $"{d.Days} d {d.Hours} h",
            { TotalHours: >= 1 } => $"{d.Hours} h {d.Minutes} min",
            { TotalMinutes: >= 1 } => $"{d.Minutes} min {d.Seconds} s",
            _ => $"{d.Seconds} s",
        };
    }

    /// <summary>How long ago something was, or nothing.</summary>
    public static string Ago(DateTimeOffset? time, DateTimeOffset now) => time is { } t ? Duration(now - t) + " ago" : "";
}
