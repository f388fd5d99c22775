namespace TunnelMesh.Cli.Configuration;

/// <summary>Part of a value cannot be used; whoever reads the file adds its name and the key's.</summary>
/// <param name="line">Line, from 1.</param>
/// <param name="message">What is wrong and what is expected.</param>
internal sealed class ConfigValueException(int line, string message) : Exception(message)
{
    /// <summary>Line, from 1.</summary>
    public int Line { get; } = line;
}
