using Microsoft.Extensions.Logging;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Keeps the mesh's interface as it was made while the peer runs: whoever wants it down stops the peer. What cannot be put back is told, and tried again.</summary>
internal sealed class PeerInterface : IAsyncDisposable
{
    // Who changes it without end does not keep this machine busy: it is put back after so long at most.
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(5), GoneAtMost = TimeSpan.FromSeconds(1), TellAgainAfter = TimeSpan.FromHours(1);
    private const string Quarrel = "another program changes it again and again. It is put back within a second each time, and meanwhile what is for the mesh may leave by other interfaces. `ip monitor` shows when: stop that program, or have it leave this interface alone.";
    private readonly ITunDevice _tun;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly RepeatedLook? _look;
    private readonly PutBackPace _pace;
    private IDisposable? _watch;
    private DateTimeOffset _told, _problemTold;
    private string? _lastProblem;
    private volatile TunReport _report;

    /// <summary>Begins to look after it.</summary>
    /// <param name="tun">The interface; stays the caller's.</param>
    /// <param name="log">The log.</param>
    /// <param name="time">Times the looks.</param>
    /// <param name="lookedAfter">Whether the system can be asked.</param>
    public PeerInterface(ITunDevice tun, ILogger log, TimeProvider time, bool lookedAfter)
    {
        (_tun, _log, _time) = (tun, log, time);
        _pace = new PutBackPace(GoneAtMost, time);
        _report = new TunReport { Name = tun.Name, Mtu = tun.Mtu };
        if (lookedAfter)
        {
            _look = new RepeatedLook(LookAsync, e => log.InterfaceProblem(tun.Name, e.Message), CheckEvery, time);
            // For what was changed before anybody watched.
            _look.Now();
        }
    }

    /// <summary>Raised when something was put back: what others have set up with it may be gone. On a thread of the pool; a handler returns soon and throws nothing.</summary>
    public event Action? PutBack;

    /// <summary>As `status` shows it. Any thread.</summary>
    public TunReport Describe() => _report;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }
        _watch?.Dispose();
    }

    private async Task LookAsync(CancellationToken stop)
    {
        _watch ??= _tun.Watch(_look!.Now);
        if (_pace.Wait is { Ticks: > 0 } pause)
        {
            await Task.Delay(pause, _time, stop).ConfigureAwait(false);
        }
        TunLook look = _tun.Restore();
        _pace.Note(look.PutBack.Count > 0);
        Note(look.Problem is null && _pace.IsQuarrel ? look with { Problem = Quarrel } : look);
    }

    private void Note(TunLook look)
    {
        TunReport before = _report;
        DateTimeOffset now = _time.GetUtcNow();
        bool putBack = look.PutBack.Count > 0;
        if (putBack || look.Problem != before.Problem)
        {
            _report = before with { Restored = _pace.Times, Problem = look.Problem };
        }
        if (putBack && now - _told >= TellAgainAfter)
        {
            _told = now;
            string what = string.Join(", ", look.PutBack);
            _log.InterfaceBack(_tun.Name, what);
        }
        if (look.Problem is { } problem && problem != before.Problem && (problem != _lastProblem || now - _problemTold >= TellAgainAfter))
        {
            (_lastProblem, _problemTold) = (problem, now);
            _log.InterfaceProblem(_tun.Name, problem);
        }
        if (putBack)
        {
            PutBack?.Invoke();
        }
    }
}
