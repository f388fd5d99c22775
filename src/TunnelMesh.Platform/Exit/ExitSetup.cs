using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// Sets the system up for exit traffic, on either side, and puts everything back: at the end, or at the next start when the end did not come. One thread at a time.
/// </summary>
public sealed partial class ExitSetup : IExitSetup
{
    private readonly ExitJournal _journal;
    private readonly PacketRules _rules;
    private readonly KernelSettings _settings;
    private readonly ExitRoutes _routes;
    private readonly ExitNeighbours _neighbours;
    private readonly Func<IReadOnlyList<string>> _forwarders;
    private ExitUse? _use;
    private Action? _addRules;
    private bool _leads, _namesClosed, _namesStay;

    /// <summary>For this system.</summary>
    /// <param name="journal">Path of the journal, in the directory of the context; those of other contexts of the home lie beside that.</param>
    public ExitSetup(string journal) : this(journal, new PacketRules(new SystemDnsPlaces().Find, SystemProgram.Read), new KernelSettings("/proc/sys"), () => Forwarders.List())
    {
    }

    internal ExitSetup(string journal, PacketRules rules, KernelSettings settings, Func<IReadOnlyList<string>> forwarders, ExitRoutes? routes = null)
    {
        _routes = routes ?? new ExitRoutes(() => new NetlinkSocket());
        _rules = rules;
        _settings = settings;
        _forwarders = forwarders;
        _neighbours = new ExitNeighbours(journal);
        _journal = new ExitJournal(journal, "Look at `ip rule`, `ip route show table 29805` and `nft list tables`.");
    }

    /// <summary>The mark of the mesh's own packets where none is configured.</summary>
    public const uint DefaultMark = ExitRoutes.Mark;

    /// <summary>Number of the table of routes that the machine's traffic takes.</summary>
    public const uint Table = ExitRoutes.Table;

    /// <summary>What does not hold although the peer goes on, for people; null when all is well.</summary>
    public string? Weakness { get; private set; }

    /// <summary>Which programs keep forwarding on at the end, for people; null when it was turned off, or was not ours.</summary>
    public string? Forwarding { get; private set; }

    /// <summary>Lets others' traffic out.</summary>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    public void Serve(ExitServing serving)
    {
        ArgumentNullException.ThrowIfNull(serving);
        string backend = Backend();
        using FileStream? alone = _neighbours.Lock();
        // What another context found before it turned forwarding on is what comes back when the last of them ends.
        SavedSetting[] before = [.. Serving().SelectMany(e => e.Settings).DistinctBy(s => s.Path)];
        Begin(new ExitEntry { Interface = serving.Interface, Backend = backend, Settings = _settings.ForServing(before), Forwarders = _forwarders() }, entry =>
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
    /// <exception cref="ExitException">The system refused; nothing is changed, and a kill switch that was in force is so still.</exception>
    public void Use(ExitUse use, bool leads)
    {
        ArgumentNullException.ThrowIfNull(use);
        string backend = use.KillSwitch ? Backend() : _rules.Backend ?? "";
        using FileStream? alone = _neighbours.Lock();
        // Whatever this one may take over of its own: table and rules are there once.
        RequireRoutes(!_neighbours.Live().Any(e => e.Mark != 0));
        ExitEntry? taken = _journal.Left, stale = null;
        if (taken is not null && (taken.Interface != use.Interface || taken.Mark != use.Mark || taken.Backend != backend))
        {
            // Another configuration: what was left cannot be taken over. Its rules go last, so that nothing leaves meanwhile.
            UndoRest(taken);
            stale = taken.Interface == use.Interface && taken.Backend == backend ? null : taken;
            taken = null;
        }

        ExitEntry entry = new()
        {
            Interface = use.Interface,
            Backend = backend,
            Mark = use.Mark,
            Settings = _settings.ForUse(taken?.Settings ?? []),
            Local = ExitRoutes.Local(use, LocalNetworks.GetRoutes),
            Blocks = use.KillSwitch,
        };
        if (taken is null)
        {
            Routes(() => RequireRoutes(!_routes.AreTaken()));
        }

        Begin(entry, _ =>
        {
            _settings.Apply(entry.Settings);
            if (use.KillSwitch)
            {
                _addRules = () => AddKillSwitch(backend, use);
                _addRules();
            }

            _use = use;
            CloseNames(leads);
            Routes(() =>
            {
                _routes.Forget(taken?.Local.Except(entry.Local) ?? []);
                _routes.Fill(use, entry.Local);
                _routes.SetRules(use.Mark, leads);
            });
        });
        _leads = leads;
        if (stale is not null)
        {
            _rules.Remove(stale.Backend, stale.Interface);
        }
    }

    /// <summary>Leads the traffic into the mesh from now on, or lets it go past.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Lead(bool leads)
    {
        if (_use is { } use)
        {
            // What fails is tried again by the checks.
            _leads = leads;
            CloseNames(leads);
            Routes(() => _routes.SetRules(use.Mark, leads));
        }
    }

    /// <summary>Puts in place what somebody else has taken away, and follows the networks that this machine is connected to.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Check()
    {
        if (_use is not { } use || _journal.Entry is not { } entry)
        {
            return;
        }

        IReadOnlyList<string> local = ExitRoutes.Local(use, LocalNetworks.GetRoutes);
        if (!local.SequenceEqual(entry.Local))
        {
            ExitEntry changed = entry with { Local = local };
            // Both are in it until the old ones are gone.
            _journal.Write(changed with { Local = [.. local.Union(entry.Local)] });
            Routes(() => _routes.Forget(entry.Local.Except(local)));
            _journal.Write(changed);
            _journal.Become(changed);
        }

        Routes(() =>
        {
            _routes.Fill(use, local);
            _routes.SetRules(use.Mark, _leads);
        });
    }

    /// <summary>Adds the rules for packets again where somebody has taken them away, or where they could not be added before, and takes away what could not be before. Runs a program of the system.</summary>
    /// <returns>True when they were in force before and had to be added.</returns>
    /// <exception cref="ExitException">The system refused.</exception>
    public bool CheckRules()
    {
        OpenNames();
        if (_journal.Entry is not { Backend.Length: > 0 } entry || _addRules is not { } add || _rules.Has(entry.Backend, entry.Interface))
        {
            return false;
        }

        bool wereThere = Weakness is null;
        add();
        return wereThere && Weakness is null;
    }

    /// <summary>Gives more time to rules that end by themselves soon after the process that wants them. Runs a program of the system.</summary>
    public void Renew()
    {
        if (_use is { KillSwitch: false } use && _addRules is not null && _rules.Backend is { } backend)
        {
            // Where that fails they are gone, which CheckRules finds.
            _ = _rules.RenewNames(backend, use.Interface);
        }
    }

    /// <summary>Checks that the kernel passes packets on still, for a device that lets others' traffic out. Whoever turned it off is not argued with.</summary>
    /// <exception cref="ExitException">It does not; the message says what to do.</exception>
    public void CheckForwarding()
    {
        if (_journal.Entry is { Mark: 0 } && _settings.NotForwarding() is { } setting)
        {
            throw new ExitException($"{setting} was turned off by another program, so traffic of other peers does not leave. Turn it on again: sysctl -w {setting}=1");
        }
    }

    /// <summary>Has the kernel tell when our rules are changed.</summary>
    /// <param name="notice">Called then, whoever it was, to be followed by <see cref="CheckRules"/>. Returns soon; on a thread of its own.</param>
    /// <returns>Ends it; null where the kernel tells nothing of the kind, as for iptables, so that it has to be asked often.</returns>
    public IDisposable? WatchRules(Action notice) => _journal.Entry is { } entry ? TableNotices.Watch(entry.Backend, NftRules.Table(entry.Interface), notice) : null;

    /// <summary>Lets go of the journal, as the end of the process does.</summary>
    public void Dispose() => _journal.Dispose();

    private string Backend() => _rules.Backend
        ?? throw new ExitException("this machine has neither nft nor iptables. Install nftables (apt install nftables, dnf install nftables), then start the peer again.");

    private IEnumerable<ExitEntry> Serving() => _neighbours.Live().Where(e => e.Mark == 0);

    private void AddKillSwitch(string backend, ExitUse use) => _rules.Add(backend, use.Interface, () => NftRules.KillSwitch(use), () => IptablesRules.KillSwitch(use));

    // The kill switch has that in it. Without, a machine that cannot do it goes on, and says so.
    private void CloseNames(bool closed)
    {
        if (_use is not { KillSwitch: false } use)
        {
            return;
        }

        string? backend = _rules.Backend;
        // What fails is tried again by the checks.
        _addRules = closed && backend is not null ? () => AddNames(backend, use) : null;
        _namesStay = !closed && backend is not null && _rules.Remove(backend, use.Interface) is not null;
        Weaken(closed && backend is null ? "this machine has neither nft nor iptables (apt install nftables, dnf install nftables)" : null);
        _addRules?.Invoke();
    }

    private void OpenNames()
    {
        if (_namesStay && _use is { } use && _rules.Backend is { } backend && _rules.Remove(backend, use.Interface) is { } problem)
        {
            throw new ExitException($"Ports of name servers stay closed although traffic goes out directly, so names may not be found: {problem}");
        }

        _namesStay = false;
    }

    private void AddNames(string backend, ExitUse use)
    {
        try
        {
            _rules.CloseNames(backend, use);
            _namesClosed = true;
            Weaken(null);
        }
        catch (ExitException e)
        {
            Weaken(e.Message);
        }
    }

    private void Weaken(string? problem) =>
        Weakness = problem is null ? null : $"Programs that choose their interface, as systemd-resolved does, may ask for names past the exit peer: {problem}";

    private static void RequireRoutes(bool free)
    {
        if (!free)
        {
            throw new ExitException("another peer on this machine leads its traffic through an exit peer already, or was killed while it did. One at a time can: stop that one, or undo what it left by `tunnelmesh exit open` with its --context. Whose it is, tell `ip rule` (number 5100) and `ip route show table 29805`, both also with -6.");
        }
    }

    private void Begin(ExitEntry entry, Action<ExitEntry> apply)
    {
        try
        {
            _journal.Begin(entry, () => apply(entry), UndoAlone);
        }
        catch (ExitException)
        {
            (_use, _addRules) = (null, null);
            throw;
        }
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
