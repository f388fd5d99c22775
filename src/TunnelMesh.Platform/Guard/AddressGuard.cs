using System.Runtime.InteropServices;
using System.Text.Json;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Platform.Guard;

/// <summary>
/// Has the kernel drop what carries addresses of the mesh and does not come by the mesh's interface. Linux takes packets for any of its addresses by every interface (the weak model of RFC 1122, section 3.3.4.2),
/// so without it a machine of the network nearby reaches services at the mesh address, and may write a source of the mesh. Nothing here fails a start: what cannot be is told. One thread at a time.
/// </summary>
public sealed class AddressGuard : IDisposable
{
    private const string Nft = "nft", Iptables = "iptables", Ip6tables = "ip6tables";
    private const int MaxJournalBytes = 1 << 16;
    private readonly string _path;
    private readonly SystemJournal<GuardEntry> _journal;
    private readonly PacketRules _rules;
    private readonly Func<bool> _hasIPv6;
    private readonly Func<string, bool> _isPresent;
    private GuardSpec? _spec;
    private string? _backend, _added;

    /// <summary>For this system.</summary>
    /// <param name="journal">Path of the journal; its directory exists.</param>
    public AddressGuard(string journal) : this(journal, new PacketRules(new SystemDnsPlaces().Find, SystemProgram.Read), () => File.Exists("/proc/net/if_inet6"), IsPresent)
    {
    }

    /// <param name="journal">Path of the journal.</param>
    /// <param name="rules">The programs.</param>
    /// <param name="hasIPv6">Whether the kernel has IPv6.</param>
    /// <param name="isPresent">Whether there is an interface of a name.</param>
    internal AddressGuard(string journal, PacketRules rules, Func<bool> hasIPv6, Func<string, bool> isPresent)
    {
        (_path, _rules, _hasIPv6, _isPresent) = (journal, rules, hasIPv6, isPresent);
        _journal = new SystemJournal<GuardEntry>(journal, GuardJson.Default.GuardEntry, e => e is { Backend: Nft or Iptables } && IsInterface(e.Interface),
            ("the rules for addresses of the mesh", "Look at `nft list tables` and `iptables -t raw -S`."));
    }

    /// <summary>Whether this operating system is known; elsewhere nothing is added.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The program by which the rules are in force; null while they are not.</summary>
    public string? Backend { get; private set; }

    /// <summary>Whether the last <see cref="Check"/> found rules gone or changed that had been in force, and put them back.</summary>
    public bool WereGone { get; private set; }

    /// <summary>Takes away what a process before this one left behind. Runs programs of the system.</summary>
    /// <param name="asOwner">Has this process look at the journal as the user does whose home it is in, until what is returned is disposed of; null where it is this process's own.</param>
    /// <param name="others">With that: journals of peers that are not that user's. The user may have written any name of an interface, so rules that one of them names stay, and those of an interface that is there.</param>
    /// <returns>What became of it; null when there was nothing.</returns>
    public Recovery? Recover(Func<IDisposable?>? asOwner = null, IEnumerable<string>? others = null)
    {
        GuardEntry? entry;
        string? problem;
        using (asOwner?.Invoke())
        {
            entry = _journal.Read(out problem);
        }

        if (entry is null)
        {
            return problem is null ? null : new Recovery(problem, IsUndone: false);
        }

        if (asOwner is not null && Claim(entry.Interface, others ?? []) is { } claim)
        {
            return new Recovery($"The rules for addresses of the mesh that {_path} names stay, for they may be another peer's: {claim}", IsUndone: false);
        }

        problem = RemoveRules(entry);
        if (problem is null)
        {
            using IDisposable? owner = asOwner?.Invoke();
            problem = Forget();
        }

        return problem is { } failed
            ? new Recovery($"The rules for addresses of the mesh were left behind by a peer that ended without cleaning up, and cannot be removed: {failed}", IsUndone: false)
            : new Recovery("The rules for addresses of the mesh were left behind by a peer that ended without cleaning up; they were removed.", IsUndone: true);
    }

    /// <summary>Adds the rules. Runs programs of the system.</summary>
    /// <returns>Why they are not in force, or not wholly, for people; null when they are.</returns>
    public string? Apply(GuardSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _spec = spec;
        return Set(spec);
    }

    /// <summary>Adds the rules again where somebody has taken them away, or where they could not be added before. Runs programs of the system.</summary>
    /// <returns>As <see cref="Apply"/>.</returns>
    public string? Check()
    {
        WereGone = false;
        if (_spec is not { } spec)
        {
            return null;
        }

        string? before = Backend;
        if (before is not null && IsThere(before, spec.Interface))
        {
            return Incomplete(before);
        }

        string? problem = Set(spec);
        WereGone = before is not null && Backend is not null;
        return problem;
    }

    /// <summary>Has the kernel tell when the rules are changed.</summary>
    /// <param name="notice">Called then, whoever it was, to be followed by <see cref="Check"/>. Returns soon; on a thread of its own.</param>
    /// <returns>Ends it; null where the kernel tells nothing of the kind, as for iptables, and while the rules are not in force: then they have to be looked at.</returns>
    public IDisposable? Watch(Action notice) => _spec is { } spec ? TableNotices.Watch(Backend, GuardRules.NftTable(spec.Interface), notice) : null;

    /// <summary>Removes the rules.</summary>
    /// <returns>Why it failed; null when they are gone.</returns>
    public string? Revert()
    {
        GuardEntry? entry = _spec is { } spec && _backend is { } backend ? new GuardEntry { Interface = spec.Interface, Backend = backend } : null;
        (_spec, Backend) = (null, null);
        return entry is null ? null : Remove(entry);
    }

    /// <summary>Lets go of the journal, as the end of the process does.</summary>
    public void Dispose() => _journal.Dispose();

    private string? Set(GuardSpec spec)
    {
        Backend = null;
        if ((_backend ??= _rules.Backend) is not { } backend)
        {
            return "this machine has neither nft nor iptables. Install nftables (apt install nftables, dnf install nftables); the peer then takes it within half a minute.";
        }

        GuardEntry entry = new() { Interface = spec.Interface, Backend = backend };
        try
        {
            _journal.Write(entry);
            if (backend == Nft)
            {
                _rules.RunNft(GuardRules.Nft(spec));
                _added = _rules.ListTable(GuardRules.NftTable(spec.Interface));
            }
            else
            {
                _rules.RunIptables(GuardRules.Iptables(spec, _hasIPv6()));
            }

            Backend = backend;
            return Incomplete(backend);
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            // Of a transaction that failed nothing is left; of single calls some may be.
            _ = backend == Nft ? Forget() : Remove(entry);
            _backend = null;
            return $"{e.Message} A peer that is not root, or a container, may lack the right to change the kernel's rules (CAP_NET_ADMIN).";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"what will be added could not be written down, so it was not added: {e.Message}";
        }
    }

    private string? Incomplete(string backend) => backend == Iptables && _hasIPv6() && !_rules.IsHere(Ip6tables)
        ? "IPv6 is not guarded, since ip6tables is missing. Install nftables (apt install nftables, dnf install nftables), then start the peer again."
        : null;

    // With nft each rule is looked at: a chain or a table that was emptied is there still.
    private bool IsThere(string backend, string tun) => backend == Nft
        ? _rules.ListTable(GuardRules.NftTable(tun)) is { } now && now == (_added ??= now)
        : _rules.Succeeds(Iptables, GuardRules.IptablesLook(tun)) && (!_hasIPv6() || !_rules.IsHere(Ip6tables) || _rules.Succeeds(Ip6tables, GuardRules.IptablesLook(tun)));

    private string? Remove(GuardEntry entry) => RemoveRules(entry) ?? Forget();

    private string? RemoveRules(GuardEntry entry)
    {
        try
        {
            if (entry.Backend == Nft)
            {
                _rules.RunNft(GuardRules.NftRemove(entry.Interface));
            }
            else
            {
                _rules.RunIptables(GuardRules.IptablesRemove(entry.Interface, _hasIPv6()));
            }

            return null;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return e.Message;
        }
    }

    // The interface of a peer goes with its process: one that is there is not that of a peer that was killed.
    private string? Claim(string tun, IEnumerable<string> others) =>
        _isPresent(tun) ? $"there is an interface {tun}. Once that is gone this can be tried again."
        : others.FirstOrDefault(o => InterfaceIn(o) == tun) is { } other ? $"{other} names {tun}, too. The peer of that one removes them when it starts or ends, and so does `tunnelmesh cleanup` for its context."
        : null;

    // Whoever holds it.
    private static string? InterfaceIn(string journal)
    {
        try
        {
            return JournalFile.Peek(journal, MaxJournalBytes) is { } content ? JsonSerializer.Deserialize(content, GuardJson.Default.GuardEntry)?.Interface : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Where the kernel does not say, it is there.
    private static bool IsPresent(string name) => UnixNative.IfNameToIndex(name) != 0 || Marshal.GetLastPInvokeError() != UnixNative.ENoDev;

    // It becomes words of a command, and the journal of a user's peer is the user's to write: only what a configuration may name is one.
    private static bool IsInterface(string? name) => name is { Length: > 0 and <= 15 } && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private string? Forget()
    {
        try
        {
            _journal.Clear();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
