namespace TunnelMesh.Protocol.Filter;

/// <summary>Whose packets a rule is about.</summary>
/// <param name="Kind">Everybody, a group or a peer.</param>
/// <param name="Name">Name of the group or the device, lower case; empty for everybody.</param>
public readonly record struct FilterSource(FilterSourceKind Kind, string Name)
{
    /// <summary>What precedes the name of a group.</summary>
    public const string GroupPrefix = "group:";

    private const int MaxGroupName = 64;

    /// <summary>Every peer.</summary>
    public static FilterSource Any { get; } = new(FilterSourceKind.Any, "");

    /// <summary>Reads a device name, <c>group:NAME</c>, or empty or <c>any</c> for every peer. Letters, digits and hyphens only (in groups underscores too),
    /// so that no name means anything to a shell.</summary>
    /// <param name="text">The text.</param>
    /// <param name="source">The source, when the answer is true.</param>
    public static bool TryParse(string? text, out FilterSource source)
    {
        source = Any;
        // In any case, as names are: a device called ANY must not become everybody when the rule is written down.
        if (string.IsNullOrEmpty(text) || text.Equals("any", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }
        bool group = text.StartsWith(GroupPrefix, StringComparison.Ordinal);
        string name = group ? text[GroupPrefix.Length..] : text;
        if (group ? !IsGroupName(name) : !IsLabel(name))
        {
            return false;
        }
        source = new FilterSource(group ? FilterSourceKind.Group : FilterSourceKind.Peer, name.ToLowerInvariant());
        return true;
    }

    /// <summary>What <see cref="TryParse"/> reads; empty for every peer.</summary>
    public override string ToString() => Kind == FilterSourceKind.Group ? GroupPrefix + Name : Name ?? "";

    // RFC 1123, section 2.1, as device names are.
    private static bool IsLabel(string name) =>
        name.Length is > 0 and <= 63 && name[0] != '-' && name[^1] != '-' && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private static bool IsGroupName(string name) =>
        name.Length is > 0 and <= MaxGroupName && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
