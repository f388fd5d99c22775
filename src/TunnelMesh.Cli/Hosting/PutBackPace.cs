namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// How soon it is looked whether somebody has taken something away, and it is put back. Where that goes on and on the pause doubles up to a limit, so that neither side keeps the machine busy; a minute without it, and
/// it is short again. One thread at a time.
/// </summary>
/// <param name="longest">The longest pause.</param>
/// <param name="time">The clock.</param>
internal sealed class PutBackPace(TimeSpan longest, TimeProvider time)
{
    /// <summary>The shortest pause, and how long nothing must have been taken away for the pause to be short again.</summary>
    internal static readonly TimeSpan First = TimeSpan.FromMilliseconds(100), Calm = TimeSpan.FromMinutes(1);

    private const int Quarrel = 5;
    private long _looked, _putBack;
    private int _inRow;
    private volatile int _times;
    private TimeSpan _grown, _pause;

    /// <summary>How often it was put back. Any thread.</summary>
    public int Times => _times;

    /// <summary>Whether it is taken away again and again just now: five times with less than a minute between them.</summary>
    public bool IsQuarrel => _inRow >= Quarrel && time.GetElapsedTime(_putBack) < Calm;

    /// <summary>How long to wait before the next look; zero for not at all.</summary>
    public TimeSpan Wait => _pause - time.GetElapsedTime(_looked) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    /// <summary>Notes a look.</summary>
    /// <param name="putBack">Whether something had to be put back.</param>
    public void Note(bool putBack)
    {
        _looked = time.GetTimestamp();
        _pause = First;
        if (!putBack)
        {
            return;
        }
        bool first = _inRow == 0 || time.GetElapsedTime(_putBack) >= Calm;
        (_inRow, _grown) = first ? (1, First) : (_inRow + 1, _grown * 2 < longest ? _grown * 2 : longest);
        (_pause, _putBack) = (_grown, _looked);
        _times++;
    }
}
