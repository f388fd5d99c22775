using System.Globalization;
using System.Net;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// The rules as pf of macOS reads them (pf.conf(5)). They lie in an anchor of the context's own, which is replaced in one transaction. What they let through is tagged rather than passed at once, so
/// that the user's own rules still count for it; nothing in it keeps state but what has to be answered. Pure.
/// </summary>
internal static class PfRules
{
    private const string Tag = "tunnelmesh";

    // Router and neighbour solicitation, advertisement, multicast listening; as NftRules has them.
    private const string Neighbours = "{ 133, 135, 136, 131, 132, 143 }";

    /// <summary>The anchor of a context. macOS evaluates what lies below <c>com.apple</c>; the number has ours before those of the system.</summary>
    public static string Anchor(string context) => "com.apple/100.tunnelmesh-" + string.Concat(context.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '_'));

    /// <summary>The kill switch, as <see cref="NftRules.KillSwitch"/>. The mesh's own packets are known by the group of their process.</summary>
    public static string KillSwitch(ExitUse u, uint group) => Exceptions(u, group, u.LanAccess) + $"block return out quick all ! tagged {Tag}\n";

    /// <summary>Without a kill switch: what this machine is connected to is reached by routes more exact than the tunnel's, and kept from it by these rules. They close private networks alone, so that a
    /// peer that was killed leaves the internet open.</summary>
    public static string NoLan(ExitUse u, uint group) => Exceptions(u, group, lan: false) + $$"""
        block return out quick inet from any to { {{string.Join(", ", PrivateNetworks.V4)}} } ! tagged {{Tag}}
        block return out quick inet6 from any to { {{string.Join(", ", PrivateNetworks.V6)}} } ! tagged {{Tag}}

        """;

    /// <summary>
    /// On an exit, as <see cref="NftRules.Serving"/>. A family without a way out is not passed on. There is no hook for what is passed on only, so this machine's own addresses are named, and
    /// nothing leaves with an address of the mesh.
    /// </summary>
    public static string Serving(ExitServing s, ExitWays ways) =>
        Nat(s, ways.V4, "inet", s.Range4) + Nat(s, ways.V6, "inet6", s.Range6)
        + Own(s, "inet", s.Own4, "224.0.0.0/4, 255.255.255.255") + Own(s, "inet6", s.Own6, "fe80::/10, ff00::/8")
        + (ways.Own.Count == 0 ? "" : $"block drop in quick on {s.Interface} from any to {{ {string.Join(", ", ways.Own)} }} ! tagged {Tag}\n")
        + Pass(s, ways.V4, "inet", s.Range4, PrivateNetworks.V4) + Pass(s, ways.V6, "inet6", s.Range6, [.. PrivateNetworks.V6, "fe80::/10"])
        + $"block drop in quick on {s.Interface} all ! tagged {Tag}\n"
        + Leaving(s, "inet", s.Range4) + Leaving(s, "inet6", s.Range6);

    private static string Exceptions(ExitUse u, uint group, bool lan) => $$"""
        pass out on lo0 all no state tag {{Tag}}
        pass out on {{u.Interface}} all no state tag {{Tag}}
        pass out on ! {{u.Interface}} proto { tcp, udp } all group {{group.ToString(CultureInfo.InvariantCulture)}} no state tag {{Tag}}
        block drop out quick inet from any to {{u.Range4}} ! tagged {{Tag}}
        block drop out quick inet6 from any to {{u.Range6}} ! tagged {{Tag}}
        pass out inet proto udp from any port 68 to any port 67 no state tag {{Tag}}
        pass out inet6 proto udp from any port 546 to any port 547 no state tag {{Tag}}
        pass out inet6 proto icmp6 all icmp6-type {{Neighbours}} no state tag {{Tag}}

        """ + (!lan ? "" : $$"""
        pass out inet from any to { {{string.Join(", ", PrivateNetworks.V4)}}, 224.0.0.0/4, 255.255.255.255 } no state tag {{Tag}}
        pass out inet6 from any to { {{string.Join(", ", PrivateNetworks.V6)}}, fe80::/10, ff00::/8 } no state tag {{Tag}}

        """);

    private static string Nat(ExitServing s, ExitWays.Way? way, string family, IPNetwork range) => way is null ? "" : $"nat on {way.Interface} {family} from {range} to any -> {way.Address}\n";

    private static string Own(ExitServing s, string family, IPAddress? own, string groups) => own is null ? "" : $"pass in on {s.Interface} {family} from any to {{ {own}, {groups} }} no state tag {Tag}\n";

    // The state lets the answer out on the mesh's interface.
    private static string Pass(ExitServing s, ExitWays.Way? way, string family, IPNetwork range, IReadOnlyList<string> inside) => way is null ? "" : $$"""
        block drop in quick on {{s.Interface}} {{family}} from any to { {{string.Join(", ", inside)}} } ! tagged {{Tag}}
        block drop in quick on {{s.Interface}} {{family}} from any to {{range}} ! tagged {{Tag}}
        pass in quick on {{s.Interface}} {{family}} from {{range}} to any keep state ! tagged {{Tag}}

        """;

    private static string Leaving(ExitServing s, string family, IPNetwork range) => $"""
        block drop out quick on {s.Interface} {family} from ! {range} to any
        block drop out quick on ! {s.Interface} {family} from {range} to ! {range}

        """;
}
