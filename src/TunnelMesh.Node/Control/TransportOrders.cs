using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>The orders of transports that the coordinator keeps for devices and pairs. Pure.</summary>
public static class TransportOrders
{
    /// <summary>The one that holds between two devices, seen from either: the pair's, else the later of what holds for one of them. Null for none.</summary>
    /// <param name="one">A device of the map; null when the map does not have it.</param>
    /// <param name="two">Another.</param>
    public static TransportPreference? Between(MapDevice? one, MapDevice two)
    {
        ArgumentNullException.ThrowIfNull(two);
        TransportPreference? best = null;
        foreach (TransportPreference preference in one?.Preferences ?? [])
        {
            best = Better(best, preference, two.Id);
        }

        foreach (TransportPreference preference in two.Preferences ?? [])
        {
            best = Better(best, preference, one?.Id);
        }

        return best;
    }

    /// <summary>Transports in a preferred order: first those it names, then the others as they were. None is added, none lost.</summary>
    /// <param name="usable">What may be used, in the configured order.</param>
    /// <param name="preference">The preferred order; null for none.</param>
    public static IReadOnlyList<PathTransport> Apply(IReadOnlyList<PathTransport> usable, TransportPreference? preference)
    {
        ArgumentNullException.ThrowIfNull(usable);
        return preference is null ? usable : [.. PathNames.Parse(preference.Transports).Where(usable.Contains), .. usable.Where(t => !preference.Transports.Contains(PathNames.Of(t)))];
    }

    /// <summary>True when both say the same.</summary>
    internal static bool Same(IReadOnlyList<TransportPreference>? a, IReadOnlyList<TransportPreference>? b)
    {
        if (ReferenceEquals(a, b) || (a?.Count ?? 0) + (b?.Count ?? 0) == 0)
        {
            return true;
        }

        return a is not null && b is not null && a.Count == b.Count &&
            a.Zip(b).All(p => p.First.With == p.Second.With && p.First.Number == p.Second.Number && p.First.Transports.SequenceEqual(p.Second.Transports));
    }

    private static TransportPreference? Better(TransportPreference? best, TransportPreference next, string? other)
    {
        bool pair = next.With is not null;
        if (pair && next.With != other)
        {
            return best;
        }

        bool bestIsPair = best?.With is not null;
        return best is null || (pair && !bestIsPair) || (pair == bestIsPair && next.Number > best.Number) ? next : best;
    }
}
