namespace TunnelMesh.Node.Filter;

/// <summary>What the rules say about a packet.</summary>
/// <param name="Allows">Whether it passes.</param>
/// <param name="Rule">The rule that decides; null when none matches and the default does.</param>
internal sealed record FilterVerdict(bool Allows, ActiveRule? Rule)
{
    /// <summary>No rule matches.</summary>
    public static FilterVerdict DefaultAllow { get; } = new(true, null);

    /// <inheritdoc cref="DefaultAllow"/>
    public static FilterVerdict DefaultDeny { get; } = new(false, null);
}
