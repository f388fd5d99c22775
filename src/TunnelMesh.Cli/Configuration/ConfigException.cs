namespace TunnelMesh.Cli.Configuration;

/// <summary>A configuration that cannot be used. The message names file, line, what is wrong and what is expected.</summary>
internal sealed class ConfigException(string message) : Exception(message);
