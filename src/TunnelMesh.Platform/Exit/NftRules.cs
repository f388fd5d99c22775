using System.Globalization;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// The rules as nft reads them (nft(8)): one table of the context's own, so that nothing of others is touched, and everything is gone with the table. A table is replaced in one transaction. Pure.
/// </summary>
internal static class NftRules
{
    /// <summary>How long name servers stay closed by a peer that gives no sign of life any more, in seconds: see <see cref="Names"/>.</summary>
    public const int NamesSeconds = 60;

    // DNS, and DNS over TLS or QUIC.
    private const string NamePorts = "{ 53, 853 }", Closed = "closed";

    private static readonly string ClosedForNow = string.Create(CultureInfo.InvariantCulture, $"{{ 53 timeout {NamesSeconds}s, 853 timeout {NamesSeconds}s }}");

    /// <summary>Name of the table: of the mesh's interface, since each context has its own. Hyphen and underscore change places, so that two interfaces never share one.</summary>
    public static string Table(string tun) => "tunnelmesh_" + string.Concat(tun.Select(c => c switch { '-' => '_', '_' => '-', _ => c }));

    /// <summary>Removes the table, also where there is none.</summary>
    public static string Remove(string tun) => $"table inet {Table(tun)}\ndelete table inet {Table(tun)}\n";

    /// <summary>
    /// On an exit. What comes from the mesh goes on to the outside only, never to this machine's own other addresses, which the packet filter does not watch, nor to what it publishes by another
    /// destination (containers), nor back into the mesh; what comes from the outside goes into the mesh only as an answer.
    /// </summary>
    public static string Serving(ExitServing s) => Remove(s.Interface) + $$"""
        table inet {{Table(s.Interface)}} {
          chain input {
            type filter hook input priority filter; policy accept;
            iifname "{{s.Interface}}" ip daddr != { {{s.Range4}}, 224.0.0.0/4, 255.255.255.255 } counter drop
            iifname "{{s.Interface}}" ip6 daddr != { {{s.Range6}}, fe80::/10, ff00::/8 } counter drop
          }
          chain forward {
            type filter hook forward priority filter; policy accept;
            iifname "{{s.Interface}}" oifname "{{s.Interface}}" counter drop
            iifname "{{s.Interface}}" ct status dnat counter drop
            iifname "{{s.Interface}}" ip daddr { {{string.Join(", ", PrivateNetworks.V4)}} } counter drop
            iifname "{{s.Interface}}" ip6 daddr { {{string.Join(", ", PrivateNetworks.V6)}}, fe80::/10 } counter drop
            iifname "{{s.Interface}}" ip saddr {{s.Range4}} counter accept
            iifname "{{s.Interface}}" ip6 saddr {{s.Range6}} counter accept
            iifname "{{s.Interface}}" counter drop
            oifname "{{s.Interface}}" ct state established,related counter accept
            oifname "{{s.Interface}}" counter drop
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            oifname != { "lo", "{{s.Interface}}" } ip saddr {{s.Range4}} counter masquerade
            oifname != { "lo", "{{s.Interface}}" } ip6 saddr {{s.Range6}} counter masquerade
          }
        }

        """;

    /// <summary>
    /// On a user of an exit without the kill switch: nobody asks name servers beside the tunnel, whichever way a socket is bound. systemd-resolved binds its own to the link of each server, and so passes by every route.
    /// The ports are elements of a set that the kernel forgets in time unless the peer renews them: one that was killed takes its resolver with it, and the machine has to find names without.
    /// </summary>
    public static string Names(ExitUse u) => Remove(u.Interface) + $$"""
        table inet {{Table(u.Interface)}} {
          set {{Closed}} {
            type inet_service
            flags timeout
            elements = {{ClosedForNow}}
          }
          chain output {
            type filter hook output priority filter; policy accept;
            oifname { "lo", "{{u.Interface}}" } accept
            meta mark {{u.Mark.ToString(CultureInfo.InvariantCulture)}} accept
            {{Reject("udp", "@" + Closed)}}
            {{Reject("tcp", "@" + Closed)}}
          }
        }

        """;

    /// <summary>Asks the kernel for all that <see cref="Names"/> has, in one transaction that takes it away again: nothing of it is ever in force. It lies in a table that no interface has.</summary>
    public static string NamesTrial(ExitUse u)
    {
        string table = Table(u.Interface), trial = table.Replace("tunnelmesh_", "tunnelmesh.", StringComparison.Ordinal);
        return Names(u).Replace(table, trial, StringComparison.Ordinal) + $"delete table inet {trial}\n";
    }

    /// <summary>Renews what <see cref="Names"/> has, in one transaction; fails where it is gone. Kernels before 6.12 give an element that is there no more time, so it is put in anew.</summary>
    public static string RenewNames(string tun) => $"flush set inet {Table(tun)} {Closed}\nadd element inet {Table(tun)} {Closed} {ClosedForNow}\n";

    /// <summary>The kill switch: only the mesh's own packets leave beside its interface, and what keeps the link alive (DHCP, neighbour discovery). What is for the mesh never leaves elsewhere.</summary>
    public static string KillSwitch(ExitUse u)
    {
        string mark = u.Mark.ToString(CultureInfo.InvariantCulture);
        string lan = !u.LanAccess ? "" : $$"""
                ip daddr { {{string.Join(", ", PrivateNetworks.V4)}}, 224.0.0.0/4, 255.255.255.255 } accept
                ip6 daddr { {{string.Join(", ", PrivateNetworks.V6)}}, fe80::/10, ff00::/8 } accept

            """;
        return Remove(u.Interface) + $$"""
            table inet {{Table(u.Interface)}} {
              chain output {
                type filter hook output priority filter; policy accept;
                oifname { "lo", "{{u.Interface}}" } accept
                meta mark {{mark}} accept
                ip daddr {{u.Range4}} counter drop
                ip6 daddr {{u.Range6}} counter drop
                udp sport 68 udp dport 67 accept
                udp sport 546 udp dport 547 accept
                icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld-listener-done, mld2-listener-report } accept
                {{Reject("udp", NamePorts)}}
                {{Reject("tcp", NamePorts)}}
            {{lan}}    counter reject with icmpx admin-prohibited
              }
              chain forward {
                type filter hook forward priority filter; policy accept;
                oifname "{{u.Interface}}" accept
                ip daddr {{u.Range4}} counter drop
                ip6 daddr {{u.Range6}} counter drop
                iifname "{{u.Interface}}" accept
            {{lan}}    counter drop
              }
            }

            """;
    }

    private static string Reject(string protocol, string ports) => $"{protocol} dport {ports} counter reject with icmpx admin-prohibited";
}
