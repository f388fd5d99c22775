using System.Net;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Guard;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Keeps the system's rules against addresses of the mesh that arrive by other interfaces, from before the interface is there until it is gone. A peer whose system cannot have them runs without, and says so.
/// </summary>
internal sealed class PeerGuard : IAsyncDisposable
{
    // Who empties the rules without end does not keep this machine busy: they are put back this often at most.
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromMilliseconds(100), TellAgainAfter = TimeSpan.FromHours(1);
    private readonly PeerHostOptions _options;
    private readonly AddressGuard _guard;
    private RepeatedLook? _look;
    private IDisposable? _watch;
    private DateTimeOffset _told;
    private volatile GuardReport _report = new() { Enforced = false, By = null, Problem = "rules against it are added on Linux only in this version." };

    private PeerGuard(PeerHostOptions options, AddressGuard guard) => (_options, _guard) = (options, guard);

    /// <summary>Where the notes of a context are.</summary>
    public static string Journal(HomeLayout layout, string context) => Path.Combine(layout.ContextDirectory(context), "guard.json");

    /// <summary>As `status` shows it. Any thread.</summary>
    public GuardReport Describe() => _report;

    /// <summary>Adds the rules.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="guard">The system; what an earlier process left behind has been removed. Stays the caller's.</param>
    /// <param name="member">The membership.</param>
    public static async Task<PeerGuard> StartAsync(PeerHostOptions options, AddressGuard guard, MembershipStep member)
    {
        PeerGuard made = new(options, guard);
        // Both were checked when the membership was read.
        if (AddressGuard.IsSupported && member.Membership.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6))
        {
            GuardSpec spec = new(options.Settings.TunName, [IPAddress.Parse(member.Membership.Device.Ip), IPAddress.Parse(member.Membership.Device.Ip6)], [range4, range6]);
            // Programs of the system are run for it.
            made.Note(await Task.Run(() => guard.Apply(spec)).ConfigureAwait(false), null);
            made._look = new RepeatedLook(stop => made.LookAsync(range4, stop), e => options.Log.GuardProblem(e.Message), CheckEvery, options.Time);
            // For what was changed before anybody watched.
            made._look.Now();
        }
        return made;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }
        _watch?.Dispose();
        if (await Task.Run(_guard.Revert).ConfigureAwait(false) is { } problem)
        {
            _options.Log.GuardNotRemoved(problem);
        }
    }

    // Others empty the kernel's rules whole, as the reload of a firewall does. Where the kernel tells of it they are back at once.
    private async Task LookAsync(IPNetwork range, CancellationToken stop)
    {
        // What could not be added before may be there now.
        _watch ??= _guard.Watch(_look!.Now);
        Note(_guard.Check(), Overlapping(range));
        if (_guard.WereGone && _options.Time.GetUtcNow() - _told >= TellAgainAfter)
        {
            _options.Log.GuardBack(_options.Settings.TunName);
            _told = _options.Time.GetUtcNow();
        }
        await Task.Delay(Pause, _options.Time, stop).ConfigureAwait(false);
    }

    // A start in such a network is refused; a machine that moves comes into one while its peer runs.
    private LocalRoute? Overlapping(IPNetwork range)
    {
        try
        {
            return LocalNetworks.FindCollision(range, _options.Settings.TunName);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Note(string? problem, LocalRoute? network)
    {
        GuardReport before = _report;
        string? hidden = network is null ? null : $"this machine is in a network that has addresses of the mesh, {network.Prefix} by {network.InterfaceName}; what comes from them there is dropped. Leave that network, or stop the peer while you are in it.";
        _report = new GuardReport { Enforced = _guard.Backend is not null, By = _guard.Backend, Problem = problem ?? hidden };
        if (_report.Problem == before.Problem && before.By == _report.By)
        {
            return;
        }
        if (problem is not null)
        {
            _options.Log.GuardProblem(problem);
        }
        else if (network is not null)
        {
            _options.Log.GuardHides(network.Prefix, network.InterfaceName);
        }
        else if (before.By is null)
        {
            _options.Log.GuardSet(_options.Settings.TunName, _report.By!);
        }
    }
}
