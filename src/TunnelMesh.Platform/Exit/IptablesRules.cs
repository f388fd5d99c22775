using System.Globalization;

namespace TunnelMesh.Platform.Exit;

/// <summary>The same rules as <see cref="NftRules"/> for machines without nft: chains of our own, entered from the built-in ones. Pure.</summary>
internal static class IptablesRules
{
    /// <summary>A call of a program, without its name. A class, as one more struct in lists costs the binary more than it saves.</summary>
    /// <param name="V6">True for ip6tables.</param>
    /// <param name="MayFail">True for what is removed, and may not be there.</param>
    /// <param name="Arguments">Each as it is.</param>
    internal sealed record Call(bool V6, bool MayFail, IReadOnlyList<string> Arguments);

    // What a link needs: router and neighbour solicitation, advertisement, multicast listening.
    private static readonly string[] Neighbours = ["133", "135", "136", "131", "132", "143"];
    private static readonly string[] NameServers = ["-p udp --dport 53 -j REJECT", "-p tcp --dport 53 -j REJECT", "-p udp --dport 853 -j REJECT", "-p tcp --dport 853 -j REJECT"];
    private static readonly string[] Hooks = ["filter INPUT", "filter FORWARD", "filter OUTPUT", "nat POSTROUTING"];

    /// <summary>Removes our chains, also where there are none.</summary>
    public static IReadOnlyList<Call> Remove(string tun)
    {
        List<Call> calls = [];
        foreach (string place in Hooks)
        {
            string[] parts = place.Split(' ');
            for (int family = 0; family < 2; family++)
            {
                calls.Add(Make(family == 1, true, $"-t {parts[0]} -D {parts[1]} -j {Chain(tun, parts[1])}"));
                calls.Add(Make(family == 1, true, $"-t {parts[0]} -F {Chain(tun, parts[1])}"));
                calls.Add(Make(family == 1, true, $"-t {parts[0]} -X {Chain(tun, parts[1])}"));
            }
        }

        return calls;
    }

    /// <summary>Whether a line of iptables-save is one of our chains, or a rule that is in one of them or enters it.</summary>
    public static bool IsOurs(string line, string tun) => line.TrimStart(':').Split(' ').Any(word => Array.Exists(Hooks, place => word == Chain(tun, place.Split(' ')[1])));

    /// <summary>Name of the list of xt_recent that keeps name servers closed while it has a fresh entry, as a file of /proc has it, too.</summary>
    public static string NamesList(string tun, bool v6) => $"TM-{tun}-{(v6 ? '6' : '4')}";

    /// <summary>The entry that stands in it for everybody, with its sign in that file.</summary>
    public static string NamesEntry(bool v6) => $"+{Everybody(v6)}\n";

    /// <summary>On an exit, as <see cref="NftRules.Serving"/>.</summary>
    public static IReadOnlyList<Call> Serving(ExitServing s)
    {
        string tun = s.Interface;
        List<Call> calls = [.. Remove(tun)];
        for (int family = 0; family < 2; family++)
        {
            bool v6 = family == 1;
            string range = (v6 ? s.Range6 : s.Range4).ToString();
            string[] rest = v6 ? ["-d fe80::/10 -j RETURN", "-d ff00::/8 -j RETURN"] : ["-d 224.0.0.0/4 -j RETURN", "-d 255.255.255.255 -j RETURN"];
            string[] inside = v6 ? [.. PrivateNetworks.V6, "fe80::/10"] : PrivateNetworks.V4;
            Fill(calls, v6, "filter", "INPUT", tun, [$"! -i {tun} -j RETURN", $"-d {range} -j RETURN", .. rest, "-j DROP"]);
            Fill(calls, v6, "filter", "FORWARD", tun,
                [$"-i {tun} -o {tun} -j DROP", $"-i {tun} -m conntrack --ctstate DNAT -j DROP", .. inside.Select(n => $"-i {tun} -d {n} -j DROP"), $"-i {tun} -s {range} -j ACCEPT", $"-i {tun} -j DROP", $"-o {tun} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", $"-o {tun} -j DROP"]);
            Fill(calls, v6, "nat", "POSTROUTING", tun, ["-o lo -j RETURN", $"! -o {tun} -s {range} -j MASQUERADE"]);
        }

        return calls;
    }

    /// <summary>As <see cref="NftRules.Names"/>. What the kernel forgets in time is an entry of a list, whose mask makes every address the same.</summary>
    /// <param name="u">What is wanted.</param>
    /// <param name="lasting">True for a kernel without such lists (xt_recent): closed until they are taken away.</param>
    public static IReadOnlyList<Call> Names(ExitUse u, bool lasting)
    {
        List<Call> calls = [.. Remove(u.Interface)];
        for (int family = 0; family < 2; family++)
        {
            bool v6 = family == 1;
            Fill(calls, v6, "filter", "OUTPUT", u.Interface, ClosingNames(u, v6, lasting));
        }

        return calls;
    }

    /// <summary>Asks the kernel for all that <see cref="Names"/> has, in a chain that no packet comes to. <see cref="RemoveTrial"/> takes it away.</summary>
    public static IReadOnlyList<Call> NamesTrial(ExitUse u)
    {
        List<Call> calls = [.. RemoveTrial(u.Interface)];
        for (int family = 0; family < 2; family++)
        {
            bool v6 = family == 1;
            AddChain(calls, v6, "filter", Trial(u.Interface), ClosingNames(u, v6, lasting: false));
        }

        return calls;
    }

    /// <summary>Removes what <see cref="NamesTrial"/> adds, also where there is nothing.</summary>
    public static IReadOnlyList<Call> RemoveTrial(string tun) =>
        [Make(false, true, $"-t filter -F {Trial(tun)}"), Make(false, true, $"-t filter -X {Trial(tun)}"), Make(true, true, $"-t filter -F {Trial(tun)}"), Make(true, true, $"-t filter -X {Trial(tun)}")];

    /// <summary>The kill switch, as <see cref="NftRules.KillSwitch"/>.</summary>
    public static IReadOnlyList<Call> KillSwitch(ExitUse u)
    {
        string tun = u.Interface, mark = u.Mark.ToString(CultureInfo.InvariantCulture);
        List<Call> calls = [.. Remove(tun)];
        for (int family = 0; family < 2; family++)
        {
            bool v6 = family == 1;
            string mesh = $"-d {(v6 ? u.Range6 : u.Range4)} -j DROP";
            List<string> rules = ["-o lo -j RETURN", $"-o {tun} -j RETURN", $"-m mark --mark {mark} -j RETURN", mesh, v6 ? "-p udp --sport 546 --dport 547 -j RETURN" : "-p udp --sport 68 --dport 67 -j RETURN"];
            foreach (string type in v6 ? Neighbours : [])
            {
                rules.Add($"-p icmpv6 --icmpv6-type {type} -j RETURN");
            }

            List<string> lan = [];
            foreach (string network in !u.LanAccess ? [] : v6 ? [.. PrivateNetworks.V6, "fe80::/10", "ff00::/8"] : (string[])[.. PrivateNetworks.V4, "224.0.0.0/4", "255.255.255.255"])
            {
                lan.Add($"-d {network} -j RETURN");
            }

            Fill(calls, v6, "filter", "OUTPUT", tun, [.. rules, .. NameServers, .. lan, "-j REJECT"]);
            Fill(calls, v6, "filter", "FORWARD", tun, [$"-o {tun} -j RETURN", mesh, $"-i {tun} -j RETURN", .. lan, "-j DROP"]);
        }

        return calls;
    }

    // 28 characters at most (XT_EXTENSION_MAXNAMELEN); an interface has 15.
    private static string Chain(string tun, string hook) => $"TM-{tun}-{hook[..4]}";

    private static string Trial(string tun) => $"TM-{tun}-TRY";

    private static string[] ClosingNames(ExitUse u, bool v6, bool lasting)
    {
        string[] fresh = lasting ? [] :
            [string.Create(CultureInfo.InvariantCulture, $"-m recent ! --rcheck --seconds {NftRules.NamesSeconds} --name {NamesList(u.Interface, v6)} --mask {Everybody(v6)} --rsource -j RETURN")];
        return ["-o lo -j RETURN", $"-o {u.Interface} -j RETURN", $"-m mark --mark {u.Mark.ToString(CultureInfo.InvariantCulture)} -j RETURN", .. fresh, .. NameServers];
    }

    private static string Everybody(bool v6) => v6 ? "::" : "0.0.0.0";

    private static void Fill(List<Call> calls, bool v6, string table, string hook, string tun, IReadOnlyList<string> rules)
    {
        AddChain(calls, v6, table, Chain(tun, hook), rules);
        calls.Add(Make(v6, false, $"-t {table} -I {hook} -j {Chain(tun, hook)}"));
    }

    private static void AddChain(List<Call> calls, bool v6, string table, string chain, IReadOnlyList<string> rules)
    {
        calls.Add(Make(v6, false, $"-t {table} -N {chain}"));
        foreach (string rule in rules)
        {
            calls.Add(Make(v6, false, $"-t {table} -A {chain} {rule}"));
        }
    }

    // -w waits for whoever else changes rules just now.
    private static Call Make(bool v6, bool mayFail, string words) => new(v6, mayFail, ["-w", "5", .. words.Split(' ')]);
}
