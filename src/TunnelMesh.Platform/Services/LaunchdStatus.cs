using System.Globalization;

namespace TunnelMesh.Platform.Services;

/// <summary>What `launchctl print` says about a service. Its text is made for people and not promised to stay, so only three lines are read, and any may be missing.</summary>
/// <param name="State">Such as <c>running</c>, <c>not running</c>, <c>spawn scheduled</c>; null when it does not say.</param>
/// <param name="Process">Its process, or null.</param>
/// <param name="LastExit">How the process before ended, in launchd's words, or null when none has.</param>
public sealed record LaunchdStatus(string? State, int? Process, string? LastExit)
{
    /// <summary>True when it runs, or is about to.</summary>
    public bool IsRunning => Process is not null || State is "running" or "spawn scheduled";

    /// <summary>Reads it.</summary>
    /// <param name="text">The output.</param>
    public static LaunchdStatus Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string? state = null, exit = null;
        int? process = null;
        foreach (string line in text.Split('\n'))
        {
            // Lines of the service itself are indented once; those of its endpoints and events, which have states too, are more.
            if (line.Length < 2 || line[0] != '\t' || line[1] == '\t' || line.Split(" = ", 2) is not [string key, string value])
            {
                continue;
            }

            value = value.Trim();
            switch (key.Trim())
            {
                case "state":
                    state ??= value;
                    break;
                case "pid" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int pid):
                    process ??= pid;
                    break;
                case "last exit code" when value != "(never exited)":
                    exit ??= value;
                    break;
            }
        }

        return new LaunchdStatus(state, process, exit);
    }

    /// <summary>For people.</summary>
    public override string ToString() =>
        (State ?? "loaded") + (Process is { } pid ? $", process {pid.ToString(CultureInfo.InvariantCulture)}" : "") + (LastExit is { } code ? $", ended with code {code} before" : "");
}
