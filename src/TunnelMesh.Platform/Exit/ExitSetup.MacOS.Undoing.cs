using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.Exit;

/// <summary>What outlives a process: how it is taken over, put in force before there is a peer, and undone.</summary>
internal sealed partial class MacOSExitSetup
{
    public Recovery? Recover(bool keepBlock) => _journal.Recover(keepBlock, entry => _pf.Has(entry.Anchor)
        ? "The kill switch of a peer that ended without cleaning up still holds, and stays until this one is connected; only the mesh's own packets leave."
        : "The peer before this one left a kill switch whose rules are gone, as after a restart of the machine. Until this one is connected nothing is closed.", UndoLeft);

    public void Close(ExitUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        _pf.RequireAnchors(nat: false);
        ExitEntry? left = _journal.TakeOver(e => e.Blocks, UndoLeft);
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
        _journal.Write(entry);
        _journal.Become(entry);
        _use = use;
        try
        {
            LoadRules();
            _pf.EndStates();
        }
        catch (ExitException) when (left is null)
        {
            UndoLeft(_journal.Current ?? entry);
            throw;
        }
        finally
        {
            _journal.Release();
            _use = null;
        }
    }

    public bool IsClosed() => _journal.Current is { Blocks: true } entry && _pf.Has(entry.Anchor);

    public string? Revert()
    {
        bool lives = _journal.Entry is not null;
        if (_journal.Release() is not { } entry)
        {
            return null;
        }

        (_use, _serving, _shown, _leads) = (null, null, null, false);
        return Undo(entry, lives);
    }

    private string? UndoLeft(ExitEntry entry) => Undo(entry, lives: false);

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

        return _journal.Finish(problem);
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
