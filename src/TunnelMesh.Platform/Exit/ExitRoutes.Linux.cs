using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// Routes of a user of an exit, by rtnetlink: a table of our own that leads everything into the mesh's interface, and a rule ahead of the main table that sends every packet there which does not carry
/// our mark. The main table is not asked at all, so nothing that a DHCP server writes there counts. One thread at a time.
/// </summary>
/// <param name="open">Gives the kernel's tables.</param>
internal sealed class ExitRoutes(Func<IRouteTables> open)
{
    /// <summary>Number of the table and of the rule; <see cref="Mark"/> unless the configuration has one.</summary>
    public const uint Table = 0x746D, Priority = 5100;

    /// <summary>The mark of the mesh's own packets where none is configured.</summary>
    public const uint Mark = 0x746D;

    private static readonly IPNetwork[] Halves = [.. "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1".Split(' ').Select(p => IPNetwork.Parse(p))];
    private static readonly IPNetwork[] Whole = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")];

    /// <summary>
    /// What has a route of its own, as <see cref="ExitEntry.Local"/> has it: the private networks this machine is connected to, where they are to stay reachable. The mesh's ranges come with them, so
    /// that no wider network has the mesh's packets, and one within them does not count.
    /// </summary>
    /// <param name="use">What is wanted.</param>
    /// <param name="list">Lists the routes of this machine.</param>
    /// <exception cref="ExitException">They cannot be listed.</exception>
    public static IReadOnlyList<string> Local(ExitUse use, Func<IReadOnlyList<LocalRoute>> list)
    {
        if (!use.LanAccess)
        {
            return [];
        }

        try
        {
            return [
                use.Source4 is null ? $"{use.Range4}" : $"{use.Range4} {use.Interface}", use.Source6 is null ? $"{use.Range6}" : $"{use.Range6} {use.Interface}",
                .. list().Where(r => !r.ViaGateway && r.InterfaceName != use.Interface && PrivateNetworks.Contain(r.Prefix)
                        && !PrivateNetworks.IsWithin(r.Prefix, use.Range4) && !PrivateNetworks.IsWithin(r.Prefix, use.Range6))
                    .Select(r => $"{r.Prefix} {r.InterfaceName}").Distinct().Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExitException(e.Message, e);
        }
    }

    /// <summary>Makes the table as it has to be; what is there already stays.</summary>
    /// <param name="use">What is wanted.</param>
    /// <param name="local">Networks with a route of their own.</param>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Fill(ExitUse use, IReadOnlyList<string> local)
    {
        uint index = UnixNative.IfNameToIndex(use.Interface);
        using IRouteTables tables = open();
        foreach (IPNetwork half in Halves)
        {
            IPAddress? source = IsV6(half) ? use.Source6 : use.Source4;
            // A family that the mesh's interface does not have must not go past it.
            Check(tables.SetRoute(Table, half, source is null ? 0 : index, source), IsV6(half), $"route {half} into {use.Interface}");
        }

        foreach (IPNetwork all in use.KillSwitch ? Whole : [])
        {
            // Counts when the interface is gone, and its routes with it.
            Check(tables.SetRoute(Table, all, 0), IsV6(all), $"close {all}");
        }

        foreach (string text in local)
        {
            if (TryParse(text, out IPNetwork prefix, out uint on))
            {
                Check(tables.SetRoute(Table, prefix, on), IsV6(prefix), $"keep {prefix} reachable");
            }
        }
    }

    /// <summary>Adds the rules, or takes them away: only with them the table counts.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void SetRules(uint mark, bool wanted)
    {
        using IRouteTables tables = open();
        foreach (bool v6 in new[] { true, false })
        {
            if (wanted)
            {
                int errno = tables.AddRule(v6, Priority, Table, mark);
                Check(errno == UnixNative.EExist ? 0 : errno, v6, "add a rule for routes");
            }
            else
            {
                DeleteRules(mark, v6);
            }
        }
    }

    /// <summary>Whether anybody has a rule of our number, or anything that has to do with our table: another peer whose traffic leaves through an exit peer, with whatever mark, or one that was killed.</summary>
    /// <exception cref="IOException">The system does not tell.</exception>
    public bool AreTaken()
    {
        using IRouteTables tables = open();
        return HasAny(v6: false) || HasAny(v6: true);

        bool HasAny(bool v6) => tables.HasRule(v6, Priority, Table) || tables.HasRoute(v6, Table);
    }

    /// <summary>Takes networks out of the table that are no longer to be in it.</summary>
    public void Forget(IEnumerable<string> local)
    {
        using IRouteTables tables = open();
        foreach (string text in local)
        {
            if (TryParse(text, out IPNetwork prefix, out uint on))
            {
                _ = tables.DeleteRoute(Table, prefix, on);
            }
        }
    }

    /// <summary>Takes everything away.</summary>
    public void Remove(ExitEntry entry)
    {
        ExitException? failed = null;
        foreach (bool v6 in new[] { true, false })
        {
            try
            {
                DeleteRules(entry.Mark, v6);
            }
            catch (ExitException e)
            {
                // The rest is taken away all the same.
                failed ??= e;
            }
        }

        Forget(entry.Local);
        uint index = UnixNative.IfNameToIndex(entry.Interface);
        using IRouteTables tables = open();
        foreach (IPNetwork half in Halves)
        {
            // With the interface its routes have gone.
            _ = index != 0 ? tables.DeleteRoute(Table, half, index) : 0;
            _ = tables.DeleteRoute(Table, half, 0);
        }

        foreach (IPNetwork all in Whole)
        {
            _ = tables.DeleteRoute(Table, all, 0);
        }

        if (failed is not null)
        {
            throw failed;
        }
    }

    // One at a time is found.
    private void DeleteRules(uint mark, bool v6)
    {
        using IRouteTables tables = open();
        int errno = 0;
        while (errno == 0)
        {
            errno = tables.DeleteRule(v6, Priority, Table, mark);
        }

        Check(errno == UnixNative.ENoEnt ? 0 : errno, v6, "take away a rule for routes");
    }

    private static bool IsV6(IPNetwork prefix) => prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;

    // False also when the interface is gone, and its routes with it.
    private static bool TryParse(string local, out IPNetwork prefix, out uint index)
    {
        string[] parts = local.Split(' ');
        bool read = IPNetwork.TryParse(parts[0], out prefix);
        index = parts.Length == 2 ? UnixNative.IfNameToIndex(parts[1]) : 0;
        return read && (index != 0 || parts.Length == 1);
    }

    // A kernel without IPv6 has nothing of it that could leave.
    private static void Check(int errno, bool v6, string action)
    {
        if (errno != 0 && !(v6 && errno is LinuxNative.EAfNoSupport or LinuxNative.EOpNotSupp))
        {
            throw new ExitException($"The system refused to {action}: {UnixNative.Describe(errno)}.");
        }
    }
}
