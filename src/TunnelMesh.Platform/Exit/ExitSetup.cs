using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// Sets the system up for exit traffic, on either side, and puts everything back: at the end, or at the next start when the end did not come. One thread at a time.
/// </summary>
public sealed class ExitSetup : IExitSetup
{
    private readonly SystemJournal<ExitEntry> _journal;
    private readonly PacketRules _rules;
    private readonly KernelSettings _settings;
    private ExitEntry? _entry, _left;
    private ExitUse? _use;
    private Action? _addRules;
    private bool _leads;

    /// <summary>For this system.</summary>
    /// <param name="journal">Path of the journal; its directory exists.</param>
    public ExitSetup(string journal) : this(journal, new PacketRules(new SystemDnsPlaces().Find, SystemProgram.Run), new KernelSettings("/proc/sys"))
    {
    }

    internal ExitSetup(string journal, PacketRules rules, KernelSettings settings)
    {
        _rules = rules;
        _settings = settings;
        _journal = new SystemJournal<ExitEntry>(journal, ExitJson.Default.ExitEntry,
            e => e is { Interface.Length: > 0, Backend: not null, Settings: not null, Local: not null } && e.Settings.All(s => s is { Path: not null, Before: not null, Ours: not null }),
            ("the set-up for exit traffic", "Look at `ip rule`, `ip route show table 29805` and `nft list tables`."));
    }

    /// <summary>The mark of the mesh's own packets where none is configured.</summary>
    public const uint DefaultMark = ExitRoutes.Mark;

    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <param name="keepBlock">A kill switch stays until <see cref="Use"/> takes it over, or <see cref="Revert"/> is called.</param>
    /// <returns>What was undone or could not be, for people; null when there was nothing.</returns>
    public string? Recover(bool keepBlock)
    {
        if (_journal.Read(out string? problem) is not { } entry)
        {
            return problem;
        }

        if (keepBlock && entry.Blocks)
        {
            _left = entry;
            return "The kill switch of a peer that ended without cleaning up still holds, and stays until this one is connected; only the mesh's own packets leave.";
        }

        return Undo(entry) is { } failed
            ? $"The set-up for exit traffic was left behind by a peer that ended without cleaning up, and cannot be undone: {failed}"
            : "The set-up for exit traffic was left behind by a peer that ended without cleaning up; it was undone.";
    }

    /// <summary>Lets others' traffic out.</summary>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    public void Serve(ExitServing serving)
    {
        ArgumentNullException.ThrowIfNull(serving);
        string backend = Backend();
        Begin(new ExitEntry { Interface = serving.Interface, Backend = backend, Settings = _settings.ForServing([]) }, entry =>
        {
            // Before anything is passed on there are the rules that say what.
            _addRules = () => _rules.Add(backend, serving.Interface, () => NftRules.Serving(serving), () => IptablesRules.Serving(serving));
            _addRules();
            _settings.Apply(entry.Settings);
        });
    }

    /// <summary>Leads this machine's traffic into the mesh.</summary>
    /// <param name="use">How.</param>
    /// <param name="leads">False leaves the traffic where it is for now; see <see cref="Lead"/>.</param>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    public void Use(ExitUse use, bool leads)
    {
        ArgumentNullException.ThrowIfNull(use);
        string backend = use.KillSwitch ? Backend() : "";
        ExitEntry entry = new()
        {
            Interface = use.Interface,
            Backend = backend,
            Mark = use.Mark,
            Settings = _settings.ForUse(_left?.Settings ?? []),
            Local = ExitRoutes.Local(use, LocalNetworks.GetRoutes),
            Blocks = use.KillSwitch,
        };
        if (_left is { } left && (left.Interface != use.Interface || left.Mark != use.Mark || left.Backend != backend))
        {
            // Another configuration: what was left cannot be taken over.
            Undo(left);
            entry = entry with { Settings = _settings.ForUse([]) };
        }

        if (_left is null)
        {
            Routes(() =>
            {
                if (ExitRoutes.HasRules(use.Mark))
                {
                    throw new ExitException("another peer on this machine leads its traffic through an exit peer already, or was killed while it did. Stop that one, or start and stop it once (`ip rule` shows the rule 5100).");
                }
            });
        }

        Begin(entry, _ =>
        {
            _settings.Apply(entry.Settings);
            if (use.KillSwitch)
            {
                _addRules = () => _rules.Add(backend, use.Interface, () => NftRules.KillSwitch(use), () => IptablesRules.KillSwitch(use));
                _addRules();
            }

            Routes(() =>
            {
                ExitRoutes.Forget(_left?.Local.Except(entry.Local) ?? []);
                ExitRoutes.Fill(use, entry.Local);
                ExitRoutes.SetRules(use.Mark, leads);
            });
        });
        (_use, _leads) = (use, leads);
    }

    /// <summary>Leads the traffic into the mesh from now on, or lets it go past.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Lead(bool leads)
    {
        if (_use is { } use)
        {
            Routes(() => ExitRoutes.SetRules(use.Mark, leads));
            _leads = leads;
        }
    }

    /// <summary>Puts in place what somebody else has taken away, and follows the networks that this machine is connected to.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Check()
    {
        if (_use is not { } use || _entry is not { } entry)
        {
            return;
        }

        IReadOnlyList<string> local = ExitRoutes.Local(use, LocalNetworks.GetRoutes);
        if (!local.SequenceEqual(entry.Local))
        {
            ExitEntry changed = entry with { Local = local };
            // Both are in it until the old ones are gone.
            Journal(changed with { Local = [.. local.Union(entry.Local)] });
            Routes(() => ExitRoutes.Forget(entry.Local.Except(local)));
            Journal(changed);
            _entry = changed;
        }

        Routes(() =>
        {
            ExitRoutes.Fill(use, local);
            ExitRoutes.SetRules(use.Mark, _leads);
        });
    }

    /// <summary>Adds the rules for packets again where somebody has taken them away. Runs a program of the system.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void CheckRules()
    {
        if (_entry is { Backend.Length: > 0 } entry && _addRules is { } add && !_rules.Has(entry.Backend, entry.Interface))
        {
            add();
        }
    }

    /// <summary>Puts everything back that this process changed.</summary>
    /// <returns>Why it failed; null when all is well.</returns>
    public string? Revert()
    {
        if (_entry is not { } entry)
        {
            return null;
        }

        (_entry, _use) = (null, null);
        return Undo(entry);
    }

    /// <summary>Lets go of the journal, as the end of the process does.</summary>
    public void Dispose() => _journal.Dispose();

    private string Backend() => _rules.Backend
        ?? throw new ExitException("this machine has neither nft nor iptables. Install nftables (apt install nftables, dnf install nftables), then start the peer again.");

    private void Begin(ExitEntry entry, Action<ExitEntry> apply)
    {
        Journal(entry);
        try
        {
            apply(entry);
            (_entry, _left) = (entry, null);
        }
        catch (ExitException)
        {
            Undo(entry);
            throw;
        }
    }

    private void Journal(ExitEntry entry)
    {
        try
        {
            _journal.Write(entry);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExitException($"What will be changed could not be written down, so it was not changed: {e.Message}", e);
        }
    }

    private string? Undo(ExitEntry entry)
    {
        string? problem = null;
        try
        {
            if (entry.Mark != 0)
            {
                Routes(() => ExitRoutes.Remove(entry));
            }
        }
        catch (ExitException e)
        {
            problem = e.Message;
        }

        problem ??= _settings.Undo(entry.Settings);
        // Last, so that nothing leaves by the way before everything else is as it was.
        problem = _rules.Remove(entry.Backend, entry.Interface) ?? problem;
        if (problem is null)
        {
            _journal.Clear();
            _left = null;
        }

        return problem;
    }

    private static void Routes(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is TunException or IOException)
        {
            throw new ExitException(e.Message, e);
        }
    }
}
