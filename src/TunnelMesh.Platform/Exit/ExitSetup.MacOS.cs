using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// macOS: routes into the tunnel, more exact than the system's own, and rules of pf for what goes past routes. The mesh's own packets leave by the interface that their sockets are bound to, and rules
/// know them by the group of the process.
/// </summary>
internal sealed partial class MacOSExitSetup : IExitSetup
{
    private const string Pf = "pf";
    private readonly ExitJournal _journal;
    private readonly string _anchor;
    private readonly PfProgram _pf;
    private readonly ForwardingSettings _settings;
    private readonly MacOSHalfRoutes _routes;
    private readonly Func<string, ExitWays> _ways;
    private readonly InterfaceBinding? _binding;
    private ExitUse? _use;
    private ExitServing? _serving;
    private ExitWays? _shown;
    private bool _leads;

    /// <param name="journal">Path of the journal; its directory is the context's, and named so.</param>
    /// <param name="pf">The packet filter.</param>
    /// <param name="settings">Of the kernel.</param>
    /// <param name="routes">The routes.</param>
    /// <param name="ways">How this machine is connected, the mesh's interface left out. Throws <see cref="IOException"/>.</param>
    /// <param name="binding">Keeps the mesh's own sockets beside the routes; null where no exit peer is used.</param>
    public MacOSExitSetup(string journal, PfProgram pf, ForwardingSettings settings, MacOSHalfRoutes routes, Func<string, ExitWays> ways, InterfaceBinding? binding)
    {
        (_pf, _settings, _routes, _ways, _binding) = (pf, settings, routes, ways, binding);
        _anchor = PfRules.Anchor(Path.GetFileName(Path.GetDirectoryName(journal)) ?? "");
        _journal = new ExitJournal(journal, $"Look at `netstat -rn` and `sudo pfctl -a {_anchor} -s rules`; `sudo pfctl -a {_anchor} -F rules` opens the way.");
    }

    public string? Weakness => null;

    public string? Forwarding => null;

    public void Serve(ExitServing serving)
    {
        ArgumentNullException.ThrowIfNull(serving);
        _pf.RequireAnchors(nat: true);
        Begin(new ExitEntry { Interface = serving.Interface, Backend = Pf, Anchor = _anchor, Settings = _settings.Plan() }, () =>
        {
            _serving = serving;
            // Before anything is passed on there are the rules that say what.
            LoadRules();
            _settings.Apply(_journal.Entry!.Settings);
        });
    }

    public void Use(ExitUse use, bool leads)
    {
        ArgumentNullException.ThrowIfNull(use);
        bool rules = use.KillSwitch || !use.LanAccess;
        if (rules)
        {
            _pf.RequireAnchors(nat: false);
        }

        IReadOnlyList<string> nowhere = MacOSHalfRoutes.Nowhere(use);
        ExitEntry entry = new()
        {
            Interface = use.Interface,
            Backend = rules ? Pf : "",
            Anchor = rules ? _anchor : "",
            // One of before a restart of the machine counts no more.
            Token = _journal.Left is { } before && _pf.Has(before.Anchor) ? before.Token : "",
            Mark = use.Mark != 0 ? use.Mark : ExitSystem.Group,
            Local = [.. nowhere.Union(_journal.Left?.Local ?? [])],
            Blocks = use.KillSwitch,
        };
        Begin(entry, () =>
        {
            _use = use;
            if (use.KillSwitch)
            {
                LoadRules();
                _pf.EndStates();
            }

            if (_journal.Left is { } left)
            {
                // A family that the interface has again.
                _routes.Remove(null, [.. left.Local.Except(nowhere)]);
            }

            Lead(leads);
        });
    }

    public void Lead(bool leads)
    {
        if (_use is not { } use || _journal.Entry is not { } entry)
        {
            return;
        }

        // What fails is tried again by the checks.
        bool led = _leads;
        _leads = leads;
        if (leads)
        {
            if (entry.Anchor.Length > 0 && !use.KillSwitch && !led)
            {
                LoadRules();
            }

            _routes.Add(use);
        }
        else
        {
            _routes.Remove(use.Interface, entry.Local);
            if (entry.Anchor.Length > 0 && !use.KillSwitch)
            {
                _pf.Empty(entry.Anchor);
            }
        }
    }

    public void Check()
    {
        _binding?.Refresh();
        if (_leads)
        {
            Lead(leads: true);
        }
    }

    public void Renew()
    {
        // Rules of pf stay until they are taken away.
    }

    public bool CheckRules()
    {
        if (_journal.Entry is not { Anchor.Length: > 0 } entry || (_use is { KillSwitch: false } && !_leads))
        {
            return false;
        }

        if (_pf.Has(entry.Anchor))
        {
            if (_serving is { } serving && !(_shown is { } shown && shown.IsSame(ReadWays(serving))))
            {
                LoadRules();
            }

            return false;
        }

        _pf.RequireAnchors(nat: _serving is not null);
        if (!_pf.IsEnabled())
        {
            // What counted before it was turned off counts no more.
            _journal.Become(entry with { Token = "" });
        }

        LoadRules();
        return true;
    }

    public void CheckForwarding()
    {
        if (_serving is not null && _settings.NotForwarding() is { } setting)
        {
            throw new ExitException($"{setting} was turned off by another program, so traffic of other peers does not leave. Turn it on again: sudo sysctl -w {setting}=1");
        }
    }

    // pf tells nobody.
    public IDisposable? WatchRules(Action notice) => null;

    public void Dispose() => _journal.Dispose();

    // Rules that are not asked would be none: pf is turned on behind them, and the token is written down.
    private void LoadRules()
    {
        ExitEntry entry = _journal.Entry!;
        string rules;
        if (_serving is { } serving)
        {
            _shown = ReadWays(serving);
            rules = PfRules.Serving(serving, _shown);
        }
        else
        {
            rules = _use!.KillSwitch ? PfRules.KillSwitch(_use, entry.Mark) : PfRules.NoLan(_use, entry.Mark);
        }

        _pf.Load(entry.Anchor, rules);
        if (entry.Token.Length == 0)
        {
            ExitEntry enabled = entry with { Token = _pf.Enable() };
            _journal.Become(enabled);
            _journal.Write(enabled);
        }
    }

    private ExitWays ReadWays(ExitServing serving)
    {
        try
        {
            return _ways(serving.Interface);
        }
        catch (IOException e)
        {
            throw new ExitException(e.Message, e);
        }
    }

    private void Begin(ExitEntry entry, Action apply)
    {
        try
        {
            _journal.Begin(entry, apply, begun => Undo(begun, lives: true));
        }
        catch (ExitException)
        {
            (_use, _serving, _leads) = (null, null, false);
            throw;
        }
    }
}
