namespace TunnelMesh.Platform.Exit;

/// <summary>What outlives a process: how it is taken over, put in force before there is a peer, and undone.</summary>
internal sealed partial class MacOSExitSetup
{
    public string? Recover(bool keepBlock)
    {
        if (_journal.Read(out string? problem) is not { } entry)
        {
            return problem;
        }

        if (keepBlock && entry.Blocks)
        {
            _left = entry;
            return _pf.Has(entry.Anchor)
                ? "The kill switch of a peer that ended without cleaning up still holds, and stays until this one is connected; only the mesh's own packets leave."
                : "The peer before this one left a kill switch whose rules are gone, as after a restart of the machine. Until this one is connected nothing is closed.";
        }

        return Undo(entry, lives: false) is { } failed
            ? $"The set-up for exit traffic was left behind by a peer that ended without cleaning up, and cannot be undone: {failed}"
            : "The set-up for exit traffic was left behind by a peer that ended without cleaning up; it was undone.";
    }

    public bool Open()
    {
        ExitEntry? entry = _journal.Read(out string? problem);
        problem ??= entry is null ? null : Undo(entry, lives: false);
        return problem is null ? entry is not null : throw new ExitException(problem);
    }

    public void Close(ExitUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        _pf.RequireAnchors(nat: false);
        ExitEntry? left = _journal.Read(out _);
        if (left is { Blocks: false })
        {
            if (Undo(left, lives: false) is { } failed)
            {
                throw new ExitException(failed);
            }

            left = null;
        }

        ExitEntry entry = new()
        {
            Interface = use.Interface,
            Backend = Pf,
            Anchor = _anchor,
            Token = left is not null && _pf.Has(left.Anchor) ? left.Token : "",
            Mark = use.Mark != 0 ? use.Mark : ExitSystem.Group,
            Local = left?.Local ?? [],
            Blocks = true,
        };
        Journal(entry);
        (_entry, _use) = (entry, use);
        try
        {
            LoadRules();
            _pf.EndStates();
        }
        catch (ExitException) when (left is null)
        {
            Undo(_entry ?? entry, lives: false);
            throw;
        }
        finally
        {
            (_entry, _use) = (null, null);
        }
    }

    public bool IsClosed() => (_entry ?? _left) is { Blocks: true } entry && _pf.Has(entry.Anchor);

    public string? Revert()
    {
        if ((_entry ?? _left) is not { } entry)
        {
            return null;
        }

        bool lives = _entry is not null;
        (_entry, _left, _use, _serving, _shown, _leads) = (null, null, null, null, null, false);
        return Undo(entry, lives);
    }

    // An interface that went with its process has taken its routes along.
    private string? Undo(ExitEntry entry, bool lives)
    {
        string? problem = null;
        if (entry.Mark != 0)
        {
            problem = Try(() => _routes.Remove(lives ? entry.Interface : null, entry.Local));
        }

        problem ??= _settings.Undo(entry.Settings);
        if (entry.Anchor.Length > 0)
        {
            // Last, so that nothing leaves by the way before everything else is as it was.
            problem = Try(() => _pf.Empty(entry.Anchor)) ?? problem;
            if (entry.Token.Length > 0)
            {
                _pf.Release(entry.Token);
            }
        }

        if (problem is null)
        {
            _journal.Clear();
            _left = null;
        }

        return problem;
    }

    private static string? Try(Action step)
    {
        try
        {
            step();
            return null;
        }
        catch (ExitException e)
        {
            return e.Message;
        }
    }
}
