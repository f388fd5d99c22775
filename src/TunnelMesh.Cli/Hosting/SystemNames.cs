using System.Net;
using Microsoft.Extensions.Logging;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Has the system ask this peer for names of the mesh, unless that is another context's part (<see cref="NameFocus"/>); it then waits, and takes over when its turn comes.
/// Any thread.
/// </summary>
/// <param name="setup">The system; what an earlier process left behind has been undone. Stays the caller's.</param>
/// <param name="focus">Whose part it is.</param>
/// <param name="log">The log.</param>
/// <param name="time">The clock.</param>
internal sealed class SystemNames(SystemDnsSetup setup, NameFocus focus, ILogger log, TimeProvider time) : IDisposable
{
    // The other side's journal, by which it is seen, is there before it runs any program.
    private static readonly TimeSpan StandBack = TimeSpan.FromSeconds(5);

    // Some programs change it again and again; how often, `status` tells.
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromHours(1);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private SystemDnsRequest? _request;
    private DateTimeOffset _notBefore, _restoredTold;
    private bool _waits, _worked;
    private volatile int _restored;
    private volatile string? _way, _problem, _elsewhere;

    /// <summary>How the system is set up; null when it is not.</summary>
    public string? Way => _way;

    /// <summary>Why it is not, for people; null when all is well.</summary>
    public string? Problem => _problem;

    /// <summary>How often somebody had taken the set-up away, and it was made again.</summary>
    public int Restored => _restored;

    /// <summary>Whether systemd-resolved answers programs here without being set up by this peer.</summary>
    public bool IsPassedBy => setup.IsPassedBy;

    /// <summary>The servers that the system asks, this resolver aside.</summary>
    /// <param name="isOwn">Whether an address leads back to this resolver.</param>
    public IReadOnlyList<IPAddress> Servers(Func<IPAddress, bool> isOwn) => setup.Servers(isOwn);

    /// <summary>It cannot be done at all.</summary>
    /// <param name="problem">Why, for people.</param>
    public void GiveUp(string problem) => Note(problem);

    /// <summary>Sets the system up, or waits for its turn.</summary>
    public Task StartAsync(SystemDnsRequest request, CancellationToken cancel) => AloneAsync(() =>
    {
        (_request, _waits) = (request, true);
        return SettleAsync(cancel);
    }, cancel);

    /// <summary>Looks whether the system is still set up, and whose part it is. To be called now and then.</summary>
    public Task LookAsync(CancellationToken cancel) => AloneAsync(() => SettleAsync(cancel), cancel);

    /// <summary>Makes this context the active one, and sets the system up in place of another.</summary>
    public Task TakeAsync(CancellationToken cancel) => AloneAsync(() =>
    {
        focus.Choose();
        // Also what failed before is tried: a person wants it now.
        (_waits, _notBefore) = (_way is null, default);
        return SettleAsync(cancel, asks: true);
    }, cancel);

    /// <summary>Puts the system back, since another context takes over.</summary>
    /// <param name="other">Which, for people.</param>
    /// <param name="cancel">Gives up.</param>
    public Task YieldAsync(string other, CancellationToken cancel) => AloneAsync(() =>
    {
        _notBefore = time.GetUtcNow() + StandBack;
        return ReleaseAsync(other);
    }, cancel);

    /// <summary>Puts everything back for good.</summary>
    public Task EndAsync() => AloneAsync(async () =>
    {
        _request = null;
        if (await Task.Run(setup.Revert).ConfigureAwait(false) is { } problem)
        {
            log.DnsSystemNotPutBack(problem);
        }
    }, CancellationToken.None);

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task AloneAsync(Func<Task> step, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await step().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    // Of another home nobody is asked but by a person: there the active context is another one.
    private async Task SettleAsync(CancellationToken cancel, bool asks = false)
    {
        if (_request is not { } request)
        {
            return;
        }
        string? holder = focus.Holder();
        if (_way is not null)
        {
            if (holder is not null && focus.GivesWayTo(holder))
            {
                await ReleaseAsync(holder).ConfigureAwait(false);
                return;
            }
            if (setup.WantedBy() is { } other)
            {
                _notBefore = time.GetUtcNow() + StandBack;
                await ReleaseAsync(other).ConfigureAwait(false);
                return;
            }
            string? lost = await Task.Run(setup.Check, cancel).ConfigureAwait(false);
            _waits = setup.Way is null;
            Note(lost);
            TellRestored();
            return;
        }
        if (!_waits || time.GetUtcNow() < _notBefore)
        {
            return;
        }
        if (holder is not null)
        {
            bool chosen = focus.IsChosen;
            string? refusal = chosen ? await focus.AskToYieldAsync(holder, cancel).ConfigureAwait(false) : null;
            if (!chosen || refusal is not null)
            {
                NoteElsewhere(holder, refusal);
                return;
            }
        }
        // Programs of the system are run for it, which takes a while.
        string? problem = await Task.Run(() => setup.Apply(request), cancel).ConfigureAwait(false);
        if (asks && setup.HeldBy is not null && await setup.AskAsync(cancel).ConfigureAwait(false))
        {
            problem = await Task.Run(() => setup.Apply(request), cancel).ConfigureAwait(false);
        }
        _worked |= setup.Way is not null;
        // What has worked once may work again.
        _waits = setup.Way is null && (_worked || (setup.HeldBy ?? focus.Holder()) is not null);
        if (setup.HeldBy is { } elsewhere)
        {
            NoteElsewhere(elsewhere);
            return;
        }
        _elsewhere = null;
        Note(problem);
        if (_way is { } way)
        {
            log.DnsSystemSet(way);
        }
    }

    private async Task ReleaseAsync(string other)
    {
        if (_way is null)
        {
            return;
        }
        if (await Task.Run(setup.Revert).ConfigureAwait(false) is { } problem)
        {
            Note(problem);
            return;
        }
        _way = null;
        _waits = true;
        NoteElsewhere(other);
    }

    private void NoteElsewhere(string other, string? refusal = null)
    {
        string whose = $"the peer of the context {other} answers what programs of this system ask for names";
        _problem = refusal is null ? $"{whose}. To have this mesh's answered: tunnelmesh context use {focus.Context}" : $"{whose}, and did not give that up: {refusal} It is asked again every few seconds.";
        if (_elsewhere != other)
        {
            _elsewhere = other;
            log.DnsSystemElsewhere(other);
        }
    }

    private void TellRestored()
    {
        if (setup.Restored == _restored)
        {
            return;
        }
        _restored = setup.Restored;
        if (setup.Way is { } way && time.GetUtcNow() - _restoredTold >= TellAgainAfter)
        {
            _restoredTold = time.GetUtcNow();
            log.DnsSystemSetAgain(way);
        }
    }

    private void Note(string? problem)
    {
        _way = setup.Way;
        if (problem is not null && problem != _problem)
        {
            log.DnsSystemNotSet(problem);
        }
        _problem = problem;
    }
}
