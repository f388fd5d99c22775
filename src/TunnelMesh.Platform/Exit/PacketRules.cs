using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Platform.Exit;

/// <summary>Gives rules to the kernel by the program that this machine has. One thread at a time.</summary>
/// <param name="find">The path of a program, or null.</param>
/// <param name="run">Runs one to its end: path, arguments, standard input; what it said. Throws <see cref="SystemDnsException"/>.</param>
/// <param name="lists">Folder with the kernel's lists of addresses that iptables looks at (xt_recent), each a file.</param>
internal sealed class PacketRules(Func<string, string?> find, Func<string, IEnumerable<string>, string, string> run, string lists = "/proc/net/xt_recent")
{
    /// <summary>The backend that is taken first.</summary>
    public const string Nft = "nft";

    private const string Iptables = "iptables", Ip6tables = "ip6tables", Save = "-save";
    private string? _added;

    /// <summary>Which is used; null when there is none.</summary>
    public string? Backend => find(Nft) is not null ? Nft : find(Iptables) is not null ? Iptables : null;

    /// <summary>Adds rules in place of those that were there.</summary>
    /// <exception cref="ExitException">The kernel refused. With nft those that were there stay; of iptables none are left.</exception>
    public void Add(string backend, string tun, Func<string> nft, Func<IReadOnlyList<IptablesRules.Call>> iptables)
    {
        try
        {
            if (backend == Nft)
            {
                run(Program(Nft), ["-f", "-"], nft());
            }
            else
            {
                RunAll(iptables());
            }

            _added = Look(backend, tun);
        }
        catch (SystemDnsException e)
        {
            if (backend != Nft)
            {
                Remove(backend, tun);
            }

            throw new ExitException(e.Message, e);
        }
    }

    /// <summary>Closes name servers for a while, in place of the rules that were there; <see cref="RenewNames"/> keeps them closed. Where iptables has nothing that ends by itself, until the rules are removed.</summary>
    /// <exception cref="ExitException">As for <see cref="Add"/>.</exception>
    public void CloseNames(string backend, ExitUse use)
    {
        if (backend == Nft)
        {
            Add(backend, use.Interface, () => NftRules.Names(use), () => []);
            return;
        }

        try
        {
            Add(backend, use.Interface, () => "", () => IptablesRules.Names(use, lasting: false));
            if (RenewNames(backend, use.Interface))
            {
                return;
            }
        }
        catch (ExitException)
        {
            // This kernel may have no such lists.
        }

        Add(backend, use.Interface, () => "", () => IptablesRules.Names(use, lasting: true));
    }

    /// <summary>Whether <see cref="CloseNames"/> closes name servers here, and they open by themselves soon after nobody renews it any more: the kernel is asked for the rules, of which nothing stays nor counts meanwhile.</summary>
    /// <param name="tun">The mesh's interface.</param>
    /// <param name="mark">The mark of the mesh's own packets.</param>
    public bool CanCloseNames(string tun, uint mark)
    {
        ExitUse use = new(tun, null, null, mark, LanAccess: false, KillSwitch: false, default, default);
        try
        {
            if (Backend == Nft)
            {
                RunNft(NftRules.NamesTrial(use));
                return true;
            }

            if (Backend is null || find(Ip6tables) is null)
            {
                return false;
            }

            try
            {
                RunAll(IptablesRules.NamesTrial(use));
                return HasList(v6: false) && HasList(v6: true);
            }
            finally
            {
                RunAll(IptablesRules.RemoveTrial(tun));
            }
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return false;
        }

        bool HasList(bool v6) => File.Exists(Path.Combine(lists, IptablesRules.NamesList(tun, v6)));
    }

    /// <summary>Keeps name servers closed for another while.</summary>
    /// <returns>False where the rules that would close them are gone, or end by nothing but being removed.</returns>
    public bool RenewNames(string backend, string tun)
    {
        try
        {
            if (backend == Nft)
            {
                RunNft(NftRules.RenewNames(tun));
                return true;
            }

            foreach (bool v6 in find(Ip6tables) is null ? [false] : (bool[])[false, true])
            {
                File.WriteAllText(Path.Combine(lists, IptablesRules.NamesList(tun, v6)), IptablesRules.NamesEntry(v6));
            }

            return true;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>True while they are there as they were added: others empty the kernel's rules whole, as the reload of a firewall does, or a chain of them.</summary>
    public bool Has(string backend, string tun) => Look(backend, tun) is { } now && now == (_added ??= now);

    /// <summary>Whether any are there, by whatever process.</summary>
    public bool HasAny(string backend, string tun) => Look(backend, tun) is not null;

    /// <summary>Removes them.</summary>
    /// <returns>Why it failed, for people; null when they are gone.</returns>
    public string? Remove(string backend, string tun)
    {
        try
        {
            if (backend == Nft)
            {
                run(Program(Nft), ["-f", "-"], NftRules.Remove(tun));
            }
            else if (backend == Iptables)
            {
                RunAll(IptablesRules.Remove(tun));
                // A call that fails may have had nothing to remove; what counts is what is there.
                return Look(Iptables, tun) is null ? null : $"`iptables-save` and `ip6tables-save` show chains of {tun} still.";
            }

            return null;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return e.Message;
        }
    }

    /// <summary>A table as nft lists it, without what it counts; null when there is none.</summary>
    public string? ListTable(string table)
    {
        try
        {
            return run(Program(Nft), ["-s", "list", "table", "inet", table], "");
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return null;
        }
    }

    // Ours as the program lists them, without what it counts; null when there are none.
    private string? Look(string backend, string tun)
    {
        try
        {
            if (backend == Nft)
            {
                return ListTable(NftRules.Table(tun));
            }

            IEnumerable<string> ours = new[] { Iptables, Ip6tables }.Where(p => find(p) is not null)
                .SelectMany(p => run(Program(p + Save), [], "").Split('\n').Where(l => IptablesRules.IsOurs(l, tun)).Select(l => $"{p} {l}"));
            return string.Join('\n', ours) is { Length: > 0 } all ? all : null;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return null;
        }
    }

    private void RunAll(IReadOnlyList<IptablesRules.Call> calls)
    {
        bool has6 = find(Ip6tables) is not null;
        foreach (IptablesRules.Call call in calls)
        {
            try
            {
                if (call.V6 && !has6)
                {
                    continue;
                }

                run(Program(call.V6 ? Ip6tables : Iptables), call.Arguments, "");
            }
            catch (SystemDnsException) when (call.MayFail)
            {
                // It was not there.
            }
        }
    }

    /// <summary>True for a program that this machine has.</summary>
    public bool IsHere(string program) => find(program) is not null;

    /// <summary>True for a call that succeeds.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="words">Its arguments, with a space between.</param>
    public bool Succeeds(string program, string words)
    {
        try
        {
            run(Program(program), words.Split(' '), "");
            return true;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return false;
        }
    }

    /// <summary>Runs nft on rules as they are, which it takes as one transaction.</summary>
    /// <exception cref="ExitException">It is not there any more.</exception>
    /// <exception cref="SystemDnsException">The kernel refused.</exception>
    public void RunNft(string rules) => run(Program(Nft), ["-f", "-"], rules);

    /// <summary>Runs iptables and ip6tables; calls of the latter are left out where it is missing.</summary>
    /// <exception cref="ExitException">A program is not there any more.</exception>
    /// <exception cref="SystemDnsException">A call failed that may not.</exception>
    public void RunIptables(IReadOnlyList<IptablesRules.Call> calls) => RunAll(calls);

    private string Program(string name) => find(name) ?? throw new ExitException($"{name} is gone.");
}
