using System.Net;
using System.Net.NetworkInformation;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>
/// Tells the system where names of the mesh are answered, by the first way that it has and takes, and puts everything back: at the end, or at the next start
/// when the end did not come. One thread at a time.
/// </summary>
public sealed class SystemDnsSetup : IDisposable
{
    // A program may be run to look once in so many looks; a way that is not there any more, or fails, is left after so many in a row.
    private const int LooksPerProgram = 2, MaxFailures = 3;
    private readonly SystemDnsPlaces _places;
    private readonly SystemDnsJournal _journal;
    private readonly IReadOnlyList<ISystemDns> _ways;
    private readonly Func<string?> _obstacle;
    private readonly SystemDnsTurn? _turn;
    private readonly UnitOpening? _opening;
    private SystemDnsRequest? _request;
    private IReadOnlyList<IPAddress> _seen = [];
    private SystemDnsEntry? _entry;
    private ISystemDns? _way;
    private int _looks, _failures;

    /// <summary>For this system.</summary>
    /// <param name="journal">Path of the journal.</param>
    /// <param name="turn">Which of the peers of this machine has the system; null where nobody else may want it. Goes with this object.</param>
    public SystemDnsSetup(string journal, SystemDnsTurn? turn = null) : this(new SystemDnsPlaces { Journal = journal }, null, SharedNetwork.Obstacle, turn,
        OperatingSystem.IsLinux() ? places => new UnitOpening(places.ResolvConf, places.Find, (program, arguments) => SystemProgram.Run(program, arguments), SystemDnsPlaces.ReadText) : null)
    {
    }

    internal SystemDnsSetup(SystemDnsPlaces places, IReadOnlyList<ISystemDns>? ways, Func<string?> obstacle, SystemDnsTurn? turn = null, Func<SystemDnsPlaces, UnitOpening>? opening = null)
    {
        _turn = turn;
        _opening = opening?.Invoke(places);
        _places = places;
        _journal = new SystemDnsJournal(places.Journal);
        _obstacle = obstacle;
        _ways = ways ?? (OperatingSystem.IsLinux() ? Linux(places)
            : OperatingSystem.IsMacOS() ? [new MacOSResolvers(places, SystemProgram.Run)]
            : OperatingSystem.IsWindows() ? [new WindowsNrpt(places, (program, arguments) => SystemProgram.Run(program, arguments))] : []);
    }

    /// <summary>Name of the way in use; null when nothing is set up.</summary>
    public string? Way => _way?.Name;

    /// <summary>The peer of another home that has the system, when that is why the last <see cref="Apply"/> did nothing; else null.</summary>
    public string? HeldBy { get; private set; }

    /// <summary>How often somebody had taken the set-up away, and it was made again.</summary>
    public int Restored { get; private set; }

    /// <summary>Whether systemd-resolved answers programs here without being set up by this peer: it asks the servers of each link by that link, past routes.</summary>
    public bool IsPassedBy => _way is null && _ways.OfType<SystemdResolved>().Any(w => w.IsPresent());

    /// <summary>The ways of Linux, in order of preference.</summary>
    internal static IReadOnlyList<ISystemDns> Linux(SystemDnsPlaces places) =>
        [new SystemdResolved(places), new ResolvconfProgram(places), new NetworkManagerDns(places), new PlainResolvConf(places)];

    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <returns>What became of it; null when there was nothing.</returns>
    public Recovery? Recover()
    {
        if (_journal.Read(out string? problem) is not { } entry)
        {
            return problem is null ? null : new Recovery(problem, IsUndone: false);
        }
        try
        {
            _ways.FirstOrDefault(w => w.Name == entry.Backend)?.Revert(entry);
            _journal.Clear();
            return new Recovery($"The DNS set-up of this system ({entry.Backend}) was left behind by a peer that ended without cleaning up; it was undone.", IsUndone: true);
        }
        catch (Exception e) when (e is SystemDnsException or IOException or UnauthorizedAccessException)
        {
            return new Recovery($"The DNS set-up of this system ({entry.Backend}) was left behind by a peer that ended without cleaning up, and cannot be undone: {e.Message}", IsUndone: false);
        }
    }

    /// <summary>The servers that the system asks, this resolver aside: those to ask for names of others.</summary>
    /// <param name="isOwn">Whether an address leads back to this resolver.</param>
    public IReadOnlyList<IPAddress> Servers(Func<IPAddress, bool> isOwn)
    {
        IEnumerable<IPAddress> servers = OperatingSystem.IsWindows()
            ? NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up).SelectMany(i => i.GetIPProperties().DnsAddresses)
            : ResolvConf.Servers(Text());
        IPAddress[] found = [.. servers.Where(s => !isOwn(s)).Distinct()];
        if (found.Length == 0 && _request is { All: true })
        {
            // Left out for an exit: those seen last are asked for the name of the coordinator still.
            return _seen;
        }

        return _seen = found;
    }

    /// <summary>Sets the system up.</summary>
    /// <returns>Why it was not, for people; null when it was.</returns>
    public string? Apply(SystemDnsRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        HeldBy = null;
        if (_obstacle() is { } obstacle)
        {
            return obstacle;
        }
        if (_turn is not null && !_turn.TryTake(out string? holder))
        {
            HeldBy = holder;
            return $"another peer of this machine has set the system up: {holder}. Names of this mesh are answered where dns.listen says.";
        }
        _opening?.Keep();
        string? problem = WithAdvice(TakeOver() ?? SetUp(request));
        if (_way is null)
        {
            _turn?.Release();
        }
        return problem;
    }

    /// <summary>The peer of another home that wants the system, told once; null for none.</summary>
    public string? WantedBy() => _turn?.WantedBy();

    /// <summary>Has the peer of another home that has the system give it up; <see cref="Apply"/> is then to be called.</summary>
    /// <param name="cancel">Gives up.</param>
    /// <returns>False when it did not.</returns>
    public Task<bool> AskAsync(CancellationToken cancel) => _turn?.AskAsync(cancel) ?? Task.FromResult(true);

    /// <summary>Looks whether somebody has taken it away or written over it, and sets up anew if so: what they wrote is then what is put back. To be called every few seconds.</summary>
    /// <returns>Why it failed; null when all is well. Where <see cref="Way"/> is null then, nothing is set up any more.</returns>
    public string? Check()
    {
        if (_way is not { } way || _entry is not { } entry || _request is not { } request)
        {
            return null;
        }
        try
        {
            // Also where it is ours still: at the end it has to be written.
            _opening?.Keep();
            bool closely = _looks++ % LooksPerProgram == 0;
            if (way.IsPresent() && way.IsIntact(request, entry, closely))
            {
                _failures = 0;
                return null;
            }
            return WithAdvice(Renew(way, request));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Puts everything back.</summary>
    /// <returns>Why it failed; null when all is well.</returns>
    public string? Revert()
    {
        if (_way is not { } way || _entry is not { } entry)
        {
            return null;
        }
        try
        {
            way.Revert(entry);
            _journal.Clear();
            (_way, _entry) = (null, null);
            _turn?.Release();
            return null;
        }
        catch (Exception e) when (e is SystemDnsException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Lets go of the journal and of the turn, as the end of the process does.</summary>
    public void Dispose()
    {
        _journal.Dispose();
        _turn?.Dispose();
    }

    private string? SetUp(SystemDnsRequest request)
    {
        _request = request;
        List<string> problems = [];
        foreach (ISystemDns way in _ways.Where(w => w.IsPresent()))
        {
            if (Try(way, request) is not { } problem)
            {
                return null;
            }
            problems.Add(problem);
        }
        if (UnixUsers.EffectiveUserId is not (0 or UnixUsers.Unknown))
        {
            problems.Insert(0, "this peer does not run as root, and the system lets nobody else say where names are answered. Names of this mesh are answered where dns.listen says.");
        }
        return problems.Count > 0 ? string.Join(" ", problems) : "this system has no way that is known.";
    }

    private string? WithAdvice(string? problem) => problem is null || _opening?.Problem is not { } advice || problem.Contains(advice, StringComparison.Ordinal) ? problem : $"{problem} {advice}";

    // Null when it worked. Others may be in the middle of a change: a way is left for the next one when it goes on failing only.
    private string? Renew(ISystemDns way, SystemDnsRequest request)
    {
        string? problem = way.IsPresent() ? Try(way, request) : $"{way.Name} is no longer what decides whom this system asks for names.";
        if (problem is not null && ++_failures >= MaxFailures)
        {
            problem = Revert();
            if (problem is null)
            {
                _failures = 0;
                problem = Apply(request);
            }
        }
        if (problem is null)
        {
            _failures = 0;
            Restored++;
        }
        return problem;
    }

    // The file may be that of another peer on this machine: one that lives keeps it, one that is dead is cleaned up after.
    private string? TakeOver()
    {
        string text = SystemDnsPlaces.ReadText(_places.ResolvConf);
        if (!ResolvConf.IsOurs(text))
        {
            return null;
        }
        try
        {
            if (ResolvConf.JournalOf(text) is { } path && Path.IsPathRooted(path) && File.Exists(path))
            {
                using SystemDnsJournal journal = new(path);
                if (journal.IsHeld)
                {
                    return $"another peer on this machine has set the system up (its journal is {path}). Names of this mesh are answered where dns.listen says.";
                }
                if (journal.Read(out _) is { } entry)
                {
                    _ways.FirstOrDefault(w => w.Name == entry.Backend)?.Revert(entry);
                    journal.Clear();
                }
            }
            text = SystemDnsPlaces.ReadText(_places.ResolvConf);
            if (ResolvConf.IsOurs(text))
            {
                SavedFiles.Replace(SavedFiles.Read(_places.ResolvConf, System.Text.Encoding.UTF8.GetBytes(ResolvConf.WithoutOurs(text))));
            }
            return null;
        }
        catch (Exception e) when (e is SystemDnsException or IOException or UnauthorizedAccessException)
        {
            return $"{_places.ResolvConf} is another peer's, which runs or has left it behind, and cannot be put back by this one: {e.Message}";
        }
    }

    // Null when it worked.
    private string? Try(ISystemDns way, SystemDnsRequest request)
    {
        try
        {
            SystemDnsEntry entry = way.Plan(request);
            _journal.Write(entry);
            try
            {
                way.Apply(request, entry);
            }
            catch (SystemDnsException)
            {
                way.Revert(entry);
                _journal.Clear();
                throw;
            }
            (_way, _entry) = (way, entry);
            return null;
        }
        catch (Exception e) when (e is SystemDnsException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    // What systemd-resolved asks itself stands in a file of its own. Ours, while it is in place, names two of those before only.
    private string Text()
    {
        if (_entry?.Files.FirstOrDefault(f => f.Path == _places.ResolvConf) is { } saved)
        {
            return saved.LinkTarget is { } target
                ? SystemDnsPlaces.ReadText(Path.Combine(Path.GetDirectoryName(saved.Path)!, target))
                : System.Text.Encoding.UTF8.GetString(saved.Content ?? []);
        }
        string resolved = Path.Combine(_places.Resolved, "resolv.conf");
        return _ways.Count > 0 && _ways[0] is SystemdResolved first && first.IsPresent() ? SystemDnsPlaces.ReadText(resolved) : SystemDnsPlaces.ReadText(_places.ResolvConf);
    }
}
