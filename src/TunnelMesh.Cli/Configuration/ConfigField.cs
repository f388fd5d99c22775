namespace TunnelMesh.Cli.Configuration;

/// <summary>A field of a mapping that is an item of a list.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Line">Line of the name, from 1.</param>
/// <param name="Value">Its value.</param>
internal sealed record ConfigField(string Name, int Line, ConfigNode Value);
