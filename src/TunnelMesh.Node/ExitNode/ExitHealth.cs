namespace TunnelMesh.Node.ExitNode;

/// <summary>Whether the exit peer answers, from what is seen of it: one answer is enough to be up, several silences in a row are down. Pure; one thread at a time.</summary>
public sealed class ExitHealth
{
    /// <summary>Silences in a row that count as down.</summary>
    public const int Silences = 3;

    /// <summary>Whoever was heard this recently is not asked.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(4);

    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private int _silent = Silences;

    /// <summary>True while it answers.</summary>
    public bool IsUp => _silent < Silences;

    /// <summary>When to look next: soon in doubt.</summary>
    public TimeSpan Pause => _silent == 0 ? Fresh : TimeSpan.FromSeconds(1);

    /// <summary>It was heard, or was not although it was asked.</summary>
    public void Note(bool heard) => _silent = heard ? 0 : Math.Min(_silent + 1, Silences);

    /// <summary>It is another device, or none: nothing is known of it.</summary>
    public void Reset() => _silent = Silences;
}
