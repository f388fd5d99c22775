namespace TunnelMesh.Cli.Configuration;

/// <summary>One row of the table: all that parsing, validation, printing and the documentation know about a key.</summary>
/// <param name="Path">Dotted path, e.g. <c>tun.mtu</c>.</param>
/// <param name="Type">What values are expected, in words for messages and documentation.</param>
/// <param name="Default">The default as YAML text; for a derived one see <see cref="Derived"/>.</param>
/// <param name="Doc">One or two sentences.</param>
/// <param name="Set">Checks the value and stores it; false when it is ill-typed or out of range.</param>
internal sealed record ConfigKey(string Path, string Type, string Default, string Doc, Func<Settings, ConfigNode, bool> Set)
{
    /// <summary>False for keys of features this version does not have: accepted at their default only.</summary>
    public bool Supported { get; init; } = true;

    /// <summary>How the default is found when it is no constant, e.g. "the host name"; the printed file comments such keys out.</summary>
    public string? Derived { get; init; }
}
