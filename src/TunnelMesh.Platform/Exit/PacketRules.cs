using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Platform.Exit;

/// <summary>Gives rules to the kernel by the program that this machine has.</summary>
/// <param name="find">The path of a program, or null.</param>
/// <param name="run">Runs one to its end: path, arguments, standard input. Throws <see cref="SystemDnsException"/>.</param>
internal sealed class PacketRules(Func<string, string?> find, Action<string, IEnumerable<string>, string> run)
{
    private const string Nft = "nft", Iptables = "iptables", Ip6tables = "ip6tables";

    /// <summary>Which is used; null when there is none.</summary>
    public string? Backend => find(Nft) is not null ? Nft : find(Iptables) is not null ? Iptables : null;

    /// <summary>Adds rules in place of those that were there.</summary>
    /// <exception cref="ExitException">The kernel refused; none are left.</exception>
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
        }
        catch (SystemDnsException e)
        {
            Remove(backend, tun);
            throw new ExitException(e.Message, e);
        }
    }

    /// <summary>True while they are there: others empty the kernel's rules whole, as the reload of a firewall does.</summary>
    public bool Has(string backend, string tun)
    {
        try
        {
            (string program, string words) = backend == Nft ? (Nft, $"list table inet {NftRules.Table(tun)}") : (Iptables, IptablesRules.Look(tun));
            run(Program(program), words.Split(' '), "");
            return true;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return false;
        }
    }

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
            }

            return null;
        }
        catch (Exception e) when (e is SystemDnsException or ExitException)
        {
            return e.Message;
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
