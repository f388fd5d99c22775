namespace TunnelMesh.Cli.Configuration;

/// <summary>One value of a YAML file with its place.</summary>
/// <param name="Line">Line, from 1.</param>
/// <param name="Scalar">Text of a scalar, null for a list.</param>
/// <param name="Quoted">True when the scalar was quoted, so that an empty one is a value and not an absent one.</param>
/// <param name="Items">Items of a list, null for a scalar.</param>
internal sealed record ConfigNode(int Line, string? Scalar, bool Quoted, IReadOnlyList<ConfigNode>? Items)
{
    /// <summary>Fields of a mapping, in their order; null for anything else.</summary>
    public IReadOnlyList<ConfigField>? Fields { get; init; }

    /// <summary>Stands for a mapping where none is expected.</summary>
    public const string Mapping = "{...}";

    /// <summary>True for <c>key:</c> with nothing after it, <c>~</c> and <c>null</c>: the default stays.</summary>
    public bool IsAbsent => Items is null && !Quoted && Scalar is null or "" or "~" or "null" && !Quoted;

    /// <summary>The value as a person wrote it, shortened for messages.</summary>
    public string Display => Items is not null
        ? "[" + string.Join(", ", Items.Select(i => i.Display)) + "]"
        : Scalar is { Length: > 60 } s ? s[..57] + "..." : Scalar ?? "";

    /// <summary><see cref="Display"/> with its quotes: <c>"22"</c> is a text where 22 is a number.</summary>
    public string Shown => Quoted && Scalar != Mapping ? $"\"{Display}\"" : Display;
}
