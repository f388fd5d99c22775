using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.ExitNode;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Exit traffic of a running peer: the system's set-up on either side, and on the side of a user the watch over the exit peer, by which traffic and names are led. Nothing at all where neither is configured.
/// </summary>
internal sealed class PeerExit : IAsyncDisposable
{
    // A stranger to the map may be in a change of it that is on its way.
    private static readonly TimeSpan MapPatience = TimeSpan.FromSeconds(2), MapLook = TimeSpan.FromMilliseconds(100), CheckEvery = TimeSpan.FromSeconds(5), RulesEvery = TimeSpan.FromSeconds(15), RoutesEvery = TimeSpan.FromSeconds(2), TellAgainAfter = TimeSpan.FromHours(1);
    // Who empties the rules without end does not keep this machine busy: they are put back after so long at most.
    private static readonly TimeSpan OpenAtMost = TimeSpan.FromSeconds(0.25), RulesGoneAtMost = TimeSpan.FromSeconds(1);
    private readonly PeerHostOptions _options;
    private readonly IExitSetup _setup;
    private readonly PeerRuntime _runtime;
    private readonly PeerDns _dns;
    private readonly INetworkMonitor _network;
    private readonly string _ownId;
    private readonly ExitTraffic _traffic;
    private readonly Func<bool> _asked;
    private readonly ExitHealth _health = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Nudge _look, _rules;
    private Task _watching = Task.CompletedTask, _keeping = Task.CompletedTask;
    private readonly Lock _changing = new();
    private volatile Now _now;
    private readonly string?[] _problems = new string?[5];
    private readonly PutBackPace _pace;
    private DateTimeOffset _rulesTold;

    private PeerExit(PeerHostOptions options, IExitSetup setup, PeerRuntime runtime, PeerDns dns, INetworkMonitor network, string ownId, ExitTraffic traffic, Func<bool> asked)
    {
        (_options, _setup, _runtime, _dns, _network, _ownId, _traffic, _asked) = (options, setup, runtime, dns, network, ownId, traffic, asked);
        (_look, _rules) = (new Nudge(options.Time), new Nudge(options.Time));
        _pace = new PutBackPace(options.Settings.ExitKillSwitch ? OpenAtMost : RulesGoneAtMost, options.Time);
        _now = new Now(ExitState.Starting, null, !Uses || options.Settings.ExitOfflineDirect ? Direct : Blocked, options.Time.GetUtcNow());
    }

    // What may go wrong, each until it goes right.
    private const int RoutesPlace = 0, RulesPlace = 1, ForwardingPlace = 2, NamesPlace = 3, QuarrelPlace = 4;

    private const string Quarrel = "another program takes away rules for exit traffic again and again. They are put back within a second each time, and meanwhile what they stop gets past. `nft monitor` names the program: stop it, or have it leave tables of others alone.";

    private const string Exit = "exit", Blocked = "blocked", Direct = "direct";

    private sealed record Now(ExitState State, IPAddress? Address, string Traffic, DateTimeOffset Since);

    private bool Uses => _options.Settings.ExitPeer.Length > 0;

    /// <summary>Sets the system up.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="setup">The system; stays the caller's.</param>
    /// <param name="runtime">Has the map and the data plane.</param>
    /// <param name="dns">Asks for names where traffic leaves.</param>
    /// <param name="tun">The mesh's interface.</param>
    /// <param name="network">Tells of changes; stays the caller's.</param>
    /// <param name="member">The membership.</param>
    /// <param name="traffic">Decides what leaves the mesh here.</param>
    /// <param name="asked">Whether the user of this machine wants the end: only then a kill switch ends with it.</param>
    /// <exception cref="HostException">The system cannot be set up.</exception>
    public static async Task<PeerExit> StartAsync(PeerHostOptions options, IExitSetup setup, PeerRuntime runtime, PeerDns dns, ITunDevice tun, INetworkMonitor network, MembershipStep member, ExitTraffic traffic, Func<bool> asked)
    {
        PeerExit exit = new(options, setup, runtime, dns, network, member.Membership.Device.Id, traffic, asked);
        Settings(options, out bool uses, out bool serves);
        try
        {
            IPNetwork range4 = default, range6 = default;
            if ((uses || serves) && !member.Membership.Mesh.TryGetRanges(out range4, out range6))
            {
                throw new ExitException("the membership names no sound ranges. Join again.");
            }
            if (serves)
            {
                exit.TellOwn();
                // Programs of the system are run for it.
                await Task.Run(() => setup.Serve(new ExitServing(tun.Name, range4, range6, Of(tun, AddressFamily.InterNetwork), Of(tun, AddressFamily.InterNetworkV6)))).ConfigureAwait(false);
                options.Log.ExitServes(tun.Name);
            }
            if (uses)
            {
                bool leads = !options.Settings.ExitOfflineDirect;
                ExitUse use = new(tun.Name, Of(tun, AddressFamily.InterNetwork), Of(tun, AddressFamily.InterNetworkV6), options.Settings.FirewallMark, options.Settings.ExitLanAccess, options.Settings.ExitKillSwitch, range4, range6);
                dns.SetExit(leads, null);
                await Task.Run(() => setup.Use(use, leads)).ConfigureAwait(false);
                if (use.KillSwitch && !exit.ClosesAtBoot && options.Service is not null)
                {
                    options.Log.ExitOpenAtBoot();
                }
                exit.Try(NamesPlace, exit.CheckNames);
                exit._watching = Task.Run(exit.WatchAsync, CancellationToken.None);
            }
            if (uses || serves)
            {
                network.Changed += exit.OnNetwork;
                exit._keeping = Task.Run(exit.KeepRulesAsync, CancellationToken.None);
            }
            return exit;
        }
        catch (ExitException e)
        {
            await exit.DisposeAsync().ConfigureAwait(false);
            // A unit that was written before exit traffic was configured keeps the kernel's settings from its peer.
            string advice = e.OfSetting && options.Service is not null
                ? $" The service was installed before exit traffic was configured. Install it anew: sudo tunnelmesh service install --force{ContextName.Flag(options.Context, options.Layout.ActiveContext)}" : "";
            throw new HostException(ExitCode.General, $"This machine cannot be set up for exit traffic: {e.Message}{advice}", e);
        }
    }

    /// <summary>Checks, once a coordinator is connected, that the exit peer is one; one that is away may be one.</summary>
    /// <exception cref="HostException">It is not.</exception>
    public async Task RequirePeerAsync(CancellationToken cancel)
    {
        if (!Uses)
        {
            return;
        }
        string name = _options.Settings.ExitPeer;
        long start = _options.Time.GetTimestamp();
        while (true)
        {
            ExitState state = ExitChoice.Of(_runtime.Map, name, _ownId).State;
            if (state is ExitState.Offline or ExitState.Starting)
            {
                return;
            }
            if (state == ExitState.Self || _options.Time.GetElapsedTime(start) > MapPatience)
            {
                string offers = string.Join(", ", ExitChoice.Offers(_runtime.Map!, _ownId));
                string others = offers.Length > 0 ? $"Peers that allow it: {offers}." : "No peer of the mesh allows it yet.";
                throw new HostException(ExitCode.Configuration, state switch
                {
                    ExitState.Self => $"The exit peer `{name}` is this device itself. {others}",
                    ExitState.NotOffered => $"The peer `{name}` does not let the traffic of others out. Start it with `tunnelmesh join --allow-exit-traffic`, or set allow_exit_traffic: true in its configuration. {others}",
                    _ => $"The exit peer `{name}` is no device of the mesh.{UnknownDevice.Hint(_runtime.Map!, name)} {others}",
                });
            }
            await Task.Delay(MapLook, _options.Time, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>As `status` shows it. Any thread.</summary>
    public ExitReport Describe()
    {
        Now now = _now;
        Settings(_options, out bool uses, out bool serves);
        DataPlaneCounters? counters = _runtime.Plane?.Counters;
        return new ExitReport
        {
            Peer = uses ? _options.Settings.ExitPeer : null,
            State = uses ? Word(now.State) : null,
            Traffic = now.Traffic,
            Since = uses ? now.Since : null,
            WhenOffline = _options.Settings.ExitOfflineDirect ? "direct" : "block",
            LanAccess = _options.Settings.ExitLanAccess,
            KillSwitch = _options.Settings.ExitKillSwitch,
            KillSwitchAtBoot = uses && _options.Settings.ExitKillSwitch && ClosesAtBoot,
            Allows = serves,
            Packets = counters?.OutPackets ?? 0,
            Bytes = counters?.OutBytes ?? 0,
            RulesRestored = _pace.Times,
            Problem = string.Join(' ', _problems.OfType<string>()) is { Length: > 0 } problem ? problem : null,
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _network.Changed -= OnNetwork;
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await Task.WhenAll(_watching, _keeping).ConfigureAwait(false);
        }
        finally
        {
            _dns.SetExit(detour: false, null);
            // A kill switch that nobody here wants to end is left to whoever disposes of the set-up.
            if (!(Uses && _options.Settings.ExitKillSwitch) || _asked())
            {
                if (await Task.Run(_setup.Revert).ConfigureAwait(false) is { } problem)
                {
                    _options.Log.ExitNotPutBack(problem);
                }
                if (_setup.Forwarding is { } others)
                {
                    _options.Log.ExitForwardsOn(others);
                }
            }
            _stop.Dispose();
            _look.Dispose();
            _rules.Dispose();
        }
    }

    /// <summary>A state as JSON has it.</summary>
    internal static string Word(ExitState state) => state == ExitState.NotOffered ? "not_offered" : state.ToString().ToLowerInvariant();

    private static void Settings(PeerHostOptions options, out bool uses, out bool serves) => (uses, serves) = (options.Settings.ExitPeer.Length > 0, options.Settings.AllowExitTraffic);

    // Whether the system closes the way before there is a network; `service install` sees to that.
    private bool ClosesAtBoot => ServiceManager.ForThisSystem(null).BootFile(ServiceDefinition.NameOf(_options.Context)) is { } file && File.Exists(file);

    private static IPAddress? Of(ITunDevice tun, AddressFamily family) => tun.Addresses.FirstOrDefault(a => a.Address.AddressFamily == family)?.Address;

    private async Task WatchAsync()
    {
        string? watched = null;
        long checkedAt = 0;
        try
        {
            while (true)
            {
                ExitChoice choice = ExitChoice.Of(_runtime.Map, _options.Settings.ExitPeer, _ownId);
                if (choice.Device?.Id != watched)
                {
                    watched = choice.Device?.Id;
                    _health.Reset();
                }
                if (choice.Device is { } device && _runtime.Plane is { } plane)
                {
                    _health.Note(await IsHeardAsync(plane, device.Id).ConfigureAwait(false));
                }
                Become(choice);
                if (_options.Time.GetElapsedTime(checkedAt) > RoutesEvery)
                {
                    Try(RoutesPlace, _setup.Check);
                    checkedAt = _options.Time.GetTimestamp();
                }
                if (await _look.WaitAsync(_health.Pause, _stop.Token).ConfigureAwait(false))
                {
                    checkedAt = 0;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task KeepRulesAsync()
    {
        using IDisposable? watch = _setup.WatchRules(_rules.Give);
        long checkedAt = _options.Time.GetTimestamp();
        try
        {
            while (true)
            {
                bool told = await _rules.WaitAsync(CheckEvery, _stop.Token).ConfigureAwait(false), due = _options.Time.GetElapsedTime(checkedAt) > RulesEvery;
                if (told || due || watch is null)
                {
                    if (_pace.Wait is { Ticks: > 0 } pause)
                    {
                        await Task.Delay(pause, _options.Time, _stop.Token).ConfigureAwait(false);
                    }
                    Try(RulesPlace, () => CheckRules(due));
                    // A renewal is told, too, and must not put off the next one.
                    checkedAt = due ? _options.Time.GetTimestamp() : checkedAt;
                }
                _problems[QuarrelPlace] = _pace.IsQuarrel ? Quarrel : null;
                Try(ForwardingPlace, _setup.CheckForwarding);
                Try(NamesPlace, CheckNames);
                TellOwn();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void CheckRules(bool renew)
    {
        bool putBack = false;
        try
        {
            if (renew)
            {
                _setup.Renew();
            }
            putBack = _setup.CheckRules();
        }
        finally
        {
            _pace.Note(putBack);
        }
        if (putBack && _options.Time.GetUtcNow() - _rulesTold >= TellAgainAfter)
        {
            _rulesTold = _options.Time.GetUtcNow();
            _options.Log.ExitRulesBack();
        }
    }

    private void CheckNames()
    {
        if (!Uses || _now.Traffic == Direct)
        {
            return;
        }
        if (_setup.Weakness is { } weakness)
        {
            throw new ExitException(weakness);
        }
        if (_dns.IsPassedBy)
        {
            throw new ExitException("systemd-resolved runs and is not set up to ask this peer, so it asks the servers of each link by that link. That way is closed, and programs find no names: see the line DNS of `tunnelmesh status`, and leave dns.system at true.");
        }
    }

    private void TellOwn()
    {
        if (!_options.Settings.AllowExitTraffic)
        {
            return;
        }
        try
        {
            _traffic.SetOwn(ExitSystem.OwnAddresses());
        }
        catch (NetworkInformationException e)
        {
            _options.Log.NetworkUnknown(e);
        }
    }

    private async Task<bool> IsHeardAsync(DataPlane plane, string device)
    {
        if (plane.GetStats(device) is { } stats && stats.Paths.Any(p => p.HeardMsAgo < ExitHealth.Fresh.TotalMilliseconds))
        {
            return true;
        }
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        patience.CancelAfter(ExitHealth.Patience);
        try
        {
            return await plane.PingAsync(device, patience.Token).ConfigureAwait(false) is not null;
        }
        catch (OperationCanceledException)
        {
            _stop.Token.ThrowIfCancellationRequested();
            return false;
        }
    }

    private void Become(ExitChoice choice)
    {
        bool up = choice.Device is not null && _health.IsUp, leads = up || !_options.Settings.ExitOfflineDirect;
        Now before = _now, now = new(up ? ExitState.Active : choice.State, choice.Device?.Ip, up ? Exit : leads ? Blocked : Direct, _options.Time.GetUtcNow());
        if (before.Traffic == Direct != (now.Traffic == Direct) && !Try(RoutesPlace, () => _setup.Lead(leads)))
        {
            // Where it goes really, until the next look.
            now = now with { Traffic = leads ? Direct : Blocked };
        }
        if (before with { Since = now.Since } == now)
        {
            return;
        }
        _dns.SetExit(leads, now.Address);
        _now = before.Traffic == now.Traffic && before.State == now.State ? now with { Since = before.Since } : now;
        if (before.State != now.State || before.Traffic != now.Traffic)
        {
            string word = Word(now.State);
            if (now.Traffic == Exit)
            {
                _options.Log.ExitActive(_options.Settings.ExitPeer, choice.Device!.Ip);
            }
            else if (!up && (before.State != ExitState.Starting || now.State != ExitState.Offline))
            {
                _options.Log.ExitLost(_options.Settings.ExitPeer, word, now.Traffic);
            }
        }
    }

    // True when the step succeeded.
    private bool Try(int place, Action step)
    {
        string? problem = null;
        try
        {
            lock (_changing)
            {
                step();
            }
        }
        catch (ExitException e)
        {
            problem = e.Message;
        }
        if (problem is not null && problem != _problems[place])
        {
            _options.Log.ExitProblem(problem);
        }
        _problems[place] = problem;
        return problem is null;
    }

    /// <summary>Has the system looked at without a pause. Any thread; also when this has ended.</summary>
    public void LookNow() => OnNetwork(NetworkChanges.None);

    private void OnNetwork(NetworkChanges changes)
    {
        _look.Give();
        _rules.Give();
    }
}
