using System.Globalization;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Exit;

/// <summary>The settings of macOS's kernel by which packets are passed on.</summary>
/// <param name="read">The value of a setting; null where there is none.</param>
/// <param name="write">Sets one; 0, or the errno.</param>
internal sealed class ForwardingSettings(Func<string, int?> read, Func<string, int, int> write)
{
    private static readonly string[] Names = ["net.inet.ip.forwarding", "net.inet6.ip6.forwarding"];

    /// <summary>What an exit changes.</summary>
    public IReadOnlyList<SavedSetting> Plan() => [.. Names.Where(n => read(n) == 0).Select(n => new SavedSetting(n, "0", "1"))];

    /// <summary>The first that is off; null when packets are passed on.</summary>
    public string? NotForwarding() => Array.Find(Names, n => read(n) == 0);

    /// <summary>Writes what is planned.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Apply(IReadOnlyList<SavedSetting> settings)
    {
        foreach (SavedSetting setting in settings)
        {
            if (Write(setting.Path, setting.Ours) is { } problem)
            {
                throw new ExitException(problem);
            }
        }
    }

    /// <summary>Writes what was before, where ours is still there.</summary>
    /// <returns>Why it failed, for people; null when all is as before.</returns>
    public string? Undo(IReadOnlyList<SavedSetting> settings)
    {
        string? problem = null;
        foreach (SavedSetting setting in settings.Where(s => read(s.Path)?.ToString(CultureInfo.InvariantCulture) == s.Ours))
        {
            problem = Write(setting.Path, setting.Before) ?? problem;
        }

        return problem;
    }

    private string? Write(string name, string value) => !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? $"The setting {name} has the value {value} in the journal, which is none."
        : write(name, number) is not 0 and var errno ? $"The setting {name} cannot be changed to {value}: {UnixNative.Describe(errno)}." : null;
}
