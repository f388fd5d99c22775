using System.Globalization;

namespace TunnelMesh.Platform.Exit;

/// <summary>The same rules as <see cref="NftRules"/> for machines without nft: chains of our own, entered from the built-in ones. Pure.</summary>
internal static class IptablesRules
{
    /// <summary>A call of a program, without its name.</summary>
    /// <param name="V6">True for ip6tables.</param>
    /// <param name="MayFail">True for what is removed, and may not be there.</param>
    /// <param name="Arguments">Each as it is.</param>
    internal readonly record struct Call(bool V6, bool MayFail, IReadOnlyList<string> Arguments);

    /// <summary>Removes our chains, also where there are none.</summary>
    public static IReadOnlyList<Call> Remove(string tun) =>
    [
        .. Families.SelectMany(v6 => Hooks.SelectMany(c => new[]
        {
            Make(v6, true, $"-t {c.Table} -D {c.Hook} -j {Chain(tun, c.Hook)}"),
            Make(v6, true, $"-t {c.Table} -F {Chain(tun, c.Hook)}"),
            Make(v6, true, $"-t {c.Table} -X {Chain(tun, c.Hook)}"),
        })),
    ];

    /// <summary>Arguments that succeed while our chains are entered; both roles have one for what is passed on.</summary>
    public static string Look(string tun) => $"-w 5 -t filter -C FORWARD -j {Chain(tun, "FORWARD")}";

    /// <summary>On an exit, as <see cref="NftRules.Serving"/>.</summary>
    public static IReadOnlyList<Call> Serving(ExitServing s)
    {
        string tun = s.Interface;
        return
        [
            .. Remove(tun),
            .. Families.SelectMany(v6 => new[]
            {
                Fill(v6, "filter", "INPUT", tun, [$"! -i {tun} -j RETURN", .. Mesh(v6).Select(d => $"-d {d} -j RETURN"), "-j DROP"]),
                Fill(v6, "filter", "FORWARD", tun,
                    [$"-i {tun} -o {tun} -j DROP", $"-i {tun} -s {Range(v6)} -j ACCEPT", $"-i {tun} -j DROP", $"-o {tun} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", $"-o {tun} -j DROP"]),
                Fill(v6, "nat", "POSTROUTING", tun, [$"! -o {tun} -s {Range(v6)} -j MASQUERADE"]),
            }).SelectMany(c => c),
        ];

        string Range(bool v6) => (v6 ? s.Range6 : s.Range4).ToString();

        string[] Mesh(bool v6) => v6 ? [Range(v6), "fe80::/10", "ff00::/8"] : [Range(v6), "224.0.0.0/4", "255.255.255.255"];
    }

    /// <summary>The kill switch, as <see cref="NftRules.KillSwitch"/>.</summary>
    public static IReadOnlyList<Call> KillSwitch(ExitUse u)
    {
        string tun = u.Interface, mark = u.Mark.ToString(CultureInfo.InvariantCulture);
        return
        [
            .. Remove(tun),
            .. Families.SelectMany(v6 => new[]
            {
                Fill(v6, "filter", "OUTPUT", tun,
                    ["-o lo -j RETURN", $"-o {tun} -j RETURN", $"-m mark --mark {mark} -j RETURN", v6 ? "-p udp --sport 546 --dport 547 -j RETURN" : "-p udp --sport 68 --dport 67 -j RETURN",
                        .. v6 ? Neighbours.Select(t => $"-p icmpv6 --icmpv6-type {t} -j RETURN") : [], .. Lan(v6), "-j REJECT"]),
                Fill(v6, "filter", "FORWARD", tun, [$"-i {tun} -j RETURN", $"-o {tun} -j RETURN", .. Lan(v6), "-j DROP"]),
            }).SelectMany(c => c),
        ];

        IEnumerable<string> Lan(bool v6) => !u.LanAccess ? []
            : (v6 ? [.. PrivateNetworks.V6, "fe80::/10", "ff00::/8"] : (IEnumerable<string>)[.. PrivateNetworks.V4, "224.0.0.0/4", "255.255.255.255"]).Select(d => $"-d {d} -j RETURN");
    }

    private static readonly bool[] Families = [false, true];

    // What a link needs: router and neighbour solicitation, advertisement, multicast listening.
    private static readonly int[] Neighbours = [133, 135, 136, 131, 132, 143];
    private static readonly (string Table, string Hook)[] Hooks = [("filter", "INPUT"), ("filter", "FORWARD"), ("filter", "OUTPUT"), ("nat", "POSTROUTING")];

    // 28 characters at most (XT_EXTENSION_MAXNAMELEN); an interface has 15.
    private static string Chain(string tun, string hook) => $"TM-{tun}-{hook[..4]}";

    private static IEnumerable<Call> Fill(bool v6, string table, string hook, string tun, IEnumerable<string> rules) =>
    [
        Make(v6, false, $"-t {table} -N {Chain(tun, hook)}"),
        .. rules.Select(r => Make(v6, false, $"-t {table} -A {Chain(tun, hook)} {r}")),
        Make(v6, false, $"-t {table} -I {hook} -j {Chain(tun, hook)}"),
    ];

    // -w waits for whoever else changes rules just now.
    private static Call Make(bool v6, bool mayFail, string words) => new(v6, mayFail, ["-w", "5", .. words.Split(' ')]);
}
