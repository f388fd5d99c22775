using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using TunnelMesh.Platform.Exit;

namespace TunnelMesh.Platform.Guard;

/// <summary>
/// The rules that drop addresses of the mesh where they arrive elsewhere, for nft(8) and iptables(8). They look at packets before anything else does (priority raw), as they came: a destination that somebody's
/// own rules then change to one of the mesh is their business. Packets for other devices of the mesh pass, so that a machine may be a router into it. Pure.
/// </summary>
internal static class GuardRules
{
    /// <summary>Name of the table: of the mesh's interface, since each context has its own. What nft takes in no name is written as its number.</summary>
    public static string NftTable(string tun)
    {
        StringBuilder name = new("tunnelmesh-guard-");
        foreach (char c in tun)
        {
            _ = char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? name.Append(c) : name.Append(CultureInfo.InvariantCulture, $"_{(int)c:x2}");
        }

        return name.ToString();
    }

    /// <summary>Removes the table, also where there is none.</summary>
    public static string NftRemove(string tun) => $"table inet {NftTable(tun)}\ndelete table inet {NftTable(tun)}\n";

    /// <summary>Puts the table in place of one that is there.</summary>
    public static string Nft(GuardSpec spec)
    {
        StringBuilder rules = new(NftRemove(spec.Interface));
        rules.Append(CultureInfo.InvariantCulture, $$"""
            table inet {{NftTable(spec.Interface)}} {
              chain prerouting {
                type filter hook prerouting priority raw; policy accept;
                iifname { "lo", "{{spec.Interface}}" } accept

            """);
        foreach (IPAddress own in spec.Own)
        {
            rules.Append(CultureInfo.InvariantCulture, $"    {Family(own)} daddr {own} counter drop\n");
        }

        foreach (IPNetwork range in spec.Ranges)
        {
            rules.Append(CultureInfo.InvariantCulture, $"    {Family(range.BaseAddress)} saddr {range} counter drop\n");
        }

        return rules.Append("  }\n}\n").ToString();
    }

    /// <summary>The same for machines without nft: a chain of our own for each family, which is whole before it is entered.</summary>
    /// <param name="spec">What is guarded.</param>
    /// <param name="v6">False where the kernel has no IPv6.</param>
    public static IReadOnlyList<IptablesRules.Call> Iptables(GuardSpec spec, bool v6)
    {
        string chain = Chain(spec.Interface);
        List<IptablesRules.Call> calls = [.. IptablesRemove(spec.Interface, v6)];
        foreach (AddressFamily family in Families(v6))
        {
            string[] rules =
            [
                $"-N {chain}", $"-A {chain} -i lo -j RETURN", $"-A {chain} -i {spec.Interface} -j RETURN",
                .. spec.Own.Where(o => o.AddressFamily == family).Select(o => $"-A {chain} -d {o} -j DROP"),
                .. spec.Ranges.Where(r => r.BaseAddress.AddressFamily == family).Select(r => $"-A {chain} -s {r} -j DROP"),
                $"-I PREROUTING -j {chain}",
            ];
            calls.AddRange(rules.Select(r => Call(family, mayFail: false, r)));
        }

        return calls;
    }

    /// <summary>Removes the chains, also where there are none.</summary>
    public static IReadOnlyList<IptablesRules.Call> IptablesRemove(string tun, bool v6)
    {
        string chain = Chain(tun);
        return [.. Families(v6).SelectMany(f => new[] { $"-D PREROUTING -j {chain}", $"-F {chain}", $"-X {chain}" }.Select(w => Call(f, mayFail: true, w)))];
    }

    /// <summary>Arguments of iptables or ip6tables that succeed while the chain is entered.</summary>
    public static string IptablesLook(string tun) => $"-w 5 -t raw -C PREROUTING -j {Chain(tun)}";

    // 28 characters at most (XT_EXTENSION_MAXNAMELEN); an interface has 15. Those of exit traffic begin otherwise.
    private static string Chain(string tun) => $"TMG-{tun}";

    private static AddressFamily[] Families(bool v6) => v6 ? [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6] : [AddressFamily.InterNetwork];

    // -w waits for whoever else changes rules just now.
    private static IptablesRules.Call Call(AddressFamily family, bool mayFail, string words) => new(family == AddressFamily.InterNetworkV6, mayFail, ["-w", "5", "-t", "raw", .. words.Split(' ')]);

    private static string Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? "ip6" : "ip";
}
