using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace TunnelMesh.Protocol.Addressing;

/// <summary>Names of devices: lower-case DNS labels (RFC 1123), 1 to 63 characters.</summary>
public static class MeshName
{
    /// <summary>Longest label in characters.</summary>
    public const int MaxLength = 63;

    /// <summary>Aliases of one device at most.</summary>
    public const int MaxAliases = 16;

    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
        ["this", "admin", "administrator", "super", "supervisor", "peers", "api", "prometheus", "grafana", "health", "assets", "static"],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>A valid label from a host name: its first label, lower case, other characters as hyphens; <c>peer</c> when nothing is left.</summary>
    public static string Sanitize(string? hostName)
    {
        string first = (hostName ?? "").Trim().Split('.')[0].ToLowerInvariant();
        StringBuilder label = new(first.Length);
        foreach (char c in first)
        {
            bool good = char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
            if (good || (label.Length > 0 && label[^1] != '-'))
            {
                label.Append(good ? c : '-');
            }
            if (label.Length == MaxLength)
            {
                break;
            }
        }
        string result = label.ToString().Trim('-');
        return result.Length == 0 ? "peer" : result;
    }

    /// <summary>True for a lower-case DNS label. Reserved names are valid labels: see <see cref="IsReserved"/>.</summary>
    public static bool IsValid(string? name) =>
        name is { Length: > 0 and <= MaxLength } && name[0] != '-' && name[^1] != '-' &&
        name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>True for names that mean something else in the mesh and that no device may take.</summary>
    public static bool IsReserved(string name) => Reserved.Contains(name);

    /// <summary><c>name-number</c>, the name shortened so that the whole stays a label.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="number"/> is below 1.</exception>
    public static string WithSuffix(string name, int number)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        string suffix = "-" + number.ToString(CultureInfo.InvariantCulture);
        string head = name.Length + suffix.Length <= MaxLength ? name : name[..(MaxLength - suffix.Length)];
        return head.TrimEnd('-') + suffix;
    }
}
