using TunnelMesh.Cli.Contexts;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Guard;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// What a peer that was killed has left on this system: how names are asked for, exit traffic with its kill switch, rules for addresses of the mesh. Each has a journal in the context's directory, by which it is
/// undone. For every command that takes a peer away for good; a peer that starts undoes it by itself, or takes it over.
/// </summary>
/// <param name="layout">Where files lie.</param>
/// <param name="context">The context.</param>
/// <param name="asOwner">
/// For a user's home, seen by root: has this process look into it as that user does. Then only rules for addresses of the mesh are undone, since nothing else of a user's peer outlives its
/// interface, and root must not write into files what a user's journal says.
/// </param>
/// <param name="root">With that: where files of root's peers lie, whose rules are not the user's, whatever the user's journal says.</param>
internal sealed class LeftBehind(HomeLayout layout, string context, Func<IDisposable?>? asOwner = null, HomeLayout? root = null)
{
    private readonly string _guard = PeerGuard.Journal(layout, context), _dns = NameFocus.Journal(layout, context), _exit = layout.ExitJournal(context);

    /// <summary>Whether a process lives that has written one of the journals, so that it is not left behind at all.</summary>
    public bool IsHeld
    {
        get
        {
            using IDisposable? owner = asOwner?.Invoke();
            return new[] { _guard, _dns, _exit }.Any(JournalLock.IsHeld);
        }
    }

    /// <summary>Undoes all of it, a kill switch last. Runs programs of the system.</summary>
    /// <returns>What became of each; empty when there was nothing.</returns>
    /// <exception cref="HostException">A process lives that has changed it.</exception>
    public IReadOnlyList<Recovery> Undo()
    {
        if (IsHeld)
        {
            throw new HostException(ExitCode.InUse,
                $"A process that runs the peer of the context {context} is there still, though it does not answer, and what it has changed on this system is in use. `pgrep -af tunnelmesh` shows it; end it first.");
        }
        using AddressGuard guard = new(_guard);
        if (asOwner is not null)
        {
            IEnumerable<string> others = root is { } roots ? new ContextStore(roots).Names().Select(n => PeerGuard.Journal(roots, n)) : [];
            return [.. new[] { guard.Recover(asOwner, others) }.OfType<Recovery>()];
        }
        using SystemDnsSetup dns = new(_dns);
        using IExitSetup exit = ExitSystem.Open(_exit, null);
        return [.. new[] { guard.Recover(), dns.Recover(), exit.Recover(keepBlock: false) }.OfType<Recovery>()];
    }

    /// <summary>The same, for a command that does something else, too.</summary>
    /// <param name="told">Is told what was undone.</param>
    /// <returns>What was not, and why; null when nothing is left.</returns>
    /// <exception cref="HostException">A process lives that has changed it.</exception>
    public string? Undo(TextWriter told)
    {
        IReadOnlyList<Recovery> all = Undo();
        foreach (Recovery undone in all.Where(r => r.IsUndone))
        {
            told.WriteLine(undone.Text);
        }
        return string.Join(' ', all.Where(r => !r.IsUndone).Select(r => r.Text)) is { Length: > 0 } problems ? problems : null;
    }
}
