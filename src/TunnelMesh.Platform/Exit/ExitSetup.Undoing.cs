using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.Exit;

/// <summary>What outlives a process: how it is taken over, put in force before there is a peer, and undone.</summary>
public sealed partial class ExitSetup
{
    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <param name="keepBlock">A kill switch stays until <see cref="Use"/> takes it over, or <see cref="Revert"/> is called.</param>
    /// <returns>What became of it; null when there was nothing.</returns>
    public Recovery? Recover(bool keepBlock) => _journal.Recover(keepBlock, entry => _rules.HasAny(entry.Backend, entry.Interface)
        ? "The kill switch is in force already, by the peer before this one or since the start of the machine. It stays until this one is connected; only the mesh's own packets leave."
        : "The peer before this one left a kill switch, whose rules are gone, as after a restart of the machine. Until this one is connected nothing is closed.", Undo);

    /// <summary>Puts the kill switch in force before there is a peer, which takes it over by <see cref="Recover"/> and <see cref="Use"/>.</summary>
    /// <param name="use">What the peer will want; the sources are of no matter.</param>
    /// <exception cref="ExitException">The system refused; what was in force before is so still.</exception>
    public void Close(ExitUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        string backend = Backend();
        ExitEntry? left = _journal.TakeOver(e => e.Blocks && e.Interface == use.Interface && e.Mark == use.Mark && e.Backend == backend, Undo);
        _journal.Write(new ExitEntry { Interface = use.Interface, Backend = backend, Mark = use.Mark, Settings = left?.Settings ?? [], Local = left?.Local ?? [], Blocks = true });
        try
        {
            AddKillSwitch(backend, use);
        }
        catch (ExitException) when (left is null)
        {
            _journal.Finish(null);
            throw;
        }
    }

    /// <summary>Whether a process that lives leads this machine's traffic through an exit peer.</summary>
    /// <param name="journal">Path of its context's journal.</param>
    public static bool IsInUse(string journal) => ExitNeighbours.ReadLive(journal) is { Mark: not 0 };

    /// <summary>Whether a process that has ended left a kill switch behind, as far as is written down. The rules may be gone.</summary>
    /// <param name="journal">Path of its context's journal.</param>
    public static bool IsLeftClosed(string journal) => File.Exists(journal) && !JournalLock.IsHeld(journal) && ExitNeighbours.Read(journal) is { Blocks: true };

    /// <summary>Whether a kill switch is in force that outlives this process: <see cref="Dispose"/> leaves it, <see cref="Revert"/> takes it away. Runs a program of the system.</summary>
    public bool IsClosed() => _journal.Current is { Blocks: true } entry && _rules.HasAny(entry.Backend, entry.Interface);

    /// <summary>Puts everything back that this process changed, and what it was to take over and did not.</summary>
    /// <returns>Why it failed; null when all is well.</returns>
    public string? Revert()
    {
        if (_journal.Release() is not { } entry)
        {
            return null;
        }

        if (_use is { KillSwitch: false } && !_namesClosed)
        {
            // What could never be added needs no program to take it away.
            entry = entry with { Backend = "" };
        }

        (_use, _addRules) = (null, null);
        return Undo(entry);
    }

    private string? Undo(ExitEntry entry)
    {
        using FileStream? alone = entry.Mark == 0 ? _neighbours.Lock() : null;
        return UndoAlone(entry);
    }

    private string? UndoAlone(ExitEntry entry)
    {
        string? problem = UndoRest(entry);
        // Last, so that nothing leaves by the way before everything else is as it was.
        return _journal.Finish(_rules.Remove(entry.Backend, entry.Interface) ?? problem);
    }

    // All but the rules for packets.
    private string? UndoRest(ExitEntry entry)
    {
        try
        {
            if (entry.Mark != 0)
            {
                Routes(() => _routes.Remove(entry));
            }
        }
        catch (ExitException e)
        {
            return e.Message;
        }

        Forwarding = entry.Mark != 0 || entry.Settings.Count == 0 ? null
            : Serving().Any() ? "the peer of another context, which turns it off in the end"
            : _forwarders().Except(entry.Forwarders ?? []).ToArray() is { Length: > 0 } others ? string.Join(", ", others) : null;
        return Forwarding is null ? _settings.Undo(entry.Settings) : null;
    }
}
