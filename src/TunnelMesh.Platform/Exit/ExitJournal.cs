using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// What this process has changed for exit traffic, what one before it left, and the journal of both: an entry is on disk before anything in it is made, and goes once all of it is undone. How something is
/// made and undone is the caller's business. One thread at a time.
/// </summary>
/// <param name="path">The file; its directory exists.</param>
/// <param name="advice">Where to look when it is lost, for people: a sentence.</param>
internal sealed class ExitJournal(string path, string advice) : IDisposable
{
    private readonly SystemJournal<ExitEntry> _file = new(path, ExitJson.Default.ExitEntry,
        e => e is { Interface.Length: > 0, Backend: not null, Settings: not null, Local: not null, Anchor: not null, Token: not null } && e.Settings.All(s => s is { Path: not null, Before: not null, Ours: not null }),
        ("the set-up for exit traffic", advice));

    /// <summary>What this process has changed; null for nothing.</summary>
    public ExitEntry? Entry { get; private set; }

    /// <summary>A kill switch of a process before this one, which stays until it is taken over; null for none.</summary>
    public ExitEntry? Left { get; private set; }

    /// <summary>What is in force, by whatever process.</summary>
    public ExitEntry? Current => Entry ?? Left;

    /// <summary>See <see cref="JournalLock.IsHeld"/>.</summary>
    public bool IsHeld => _file.IsHeld;

    /// <summary>Writes down what will be changed.</summary>
    /// <exception cref="ExitException">It cannot be written, so it must not be changed.</exception>
    public void Write(ExitEntry entry)
    {
        try
        {
            _file.Write(entry);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExitException($"What will be changed could not be written down, so it was not changed: {e.Message}", e);
        }
    }

    /// <summary>What this process has changed, from now on.</summary>
    public void Become(ExitEntry entry) => Entry = entry;

    /// <summary>Writes down what will be changed, and changes it. If that fails everything is undone, but for a kill switch that was in force before: what is there of it now is left in its place.</summary>
    /// <param name="entry">What will be changed.</param>
    /// <param name="apply">Changes it; may put a fuller entry in place of this one.</param>
    /// <param name="undo">As for <see cref="Recover"/>.</param>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Begin(ExitEntry entry, Action apply, Func<ExitEntry, string?> undo)
    {
        Write(entry);
        Entry = entry;
        try
        {
            apply();
            Left = null;
        }
        catch (ExitException)
        {
            (ExitEntry begun, Entry) = (Entry, null);
            if (Left is { Blocks: true })
            {
                Left = begun;
            }
            else
            {
                undo(begun);
            }

            throw;
        }
    }

    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <param name="keepBlock">Whether a kill switch stays, to be taken over.</param>
    /// <param name="kept">What is to be said of one that does.</param>
    /// <param name="undo">Undoes an entry and ends with <see cref="Finish"/>; why it failed, or null.</param>
    /// <returns>What became of it; null when there was nothing.</returns>
    public Recovery? Recover(bool keepBlock, Func<ExitEntry, string> kept, Func<ExitEntry, string?> undo)
    {
        if (_file.Read(out string? problem) is not { } entry)
        {
            return problem is null ? null : new Recovery(problem, IsUndone: false);
        }

        if (keepBlock && entry.Blocks)
        {
            Left = entry;
            return new Recovery(kept(entry), IsUndone: false);
        }

        return undo(entry) is { } failed
            ? new Recovery($"The set-up for exit traffic was left behind by a peer that ended without cleaning up, and cannot be undone: {failed}", IsUndone: false)
            : new Recovery("The set-up for exit traffic was left behind by a peer that ended without cleaning up; it was undone.", IsUndone: true);
    }

    /// <summary>What a process before this one left behind, if it can be taken over; all else is undone.</summary>
    /// <param name="fits">Whether it can.</param>
    /// <param name="undo">As for <see cref="Recover"/>.</param>
    /// <exception cref="ExitException">It cannot be undone.</exception>
    public ExitEntry? TakeOver(Predicate<ExitEntry> fits, Func<ExitEntry, string?> undo)
    {
        if (_file.Read(out _) is not { } left)
        {
            return null;
        }

        return fits(left) ? left : undo(left) is { } failed ? throw new ExitException(failed) : null;
    }

    /// <summary>What is to be undone at the end, which is nobody's from here on: what this process has changed, or was to take over and did not.</summary>
    public ExitEntry? Release()
    {
        ExitEntry? entry = Current;
        (Entry, Left) = (null, null);
        return entry;
    }

    /// <summary>Lets the journal go once everything in it is undone.</summary>
    /// <param name="problem">Why something is not; then it stays.</param>
    /// <returns>The same.</returns>
    public string? Finish(string? problem)
    {
        if (problem is null)
        {
            _file.Clear();
            Left = null;
        }

        return problem;
    }

    /// <summary>Lets go of the file, as the end of the process does.</summary>
    public void Dispose() => _file.Dispose();
}
