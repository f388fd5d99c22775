using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Cli.Logging;

/// <summary>The level's name, from where it may be given.</summary>
internal static class LogLevels
{
    /// <summary>The names, least important first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["trace", "debug", "info", "warn", "error"];

    /// <summary>The level that holds: the flag's, else the environment's, else the configuration's.</summary>
    /// <exception cref="ConfigException">The environment names no level.</exception>
    public static LogLevel Choose(string? flag, string? environment, string configured)
    {
        string name = flag ?? environment ?? configured;
        return Names.Contains(name)
            ? Parse(name)
            : throw new ConfigException($"TUNNELMESH_LOG_LEVEL is `{name}`: expected one of {string.Join(", ", Names)}.");
    }

    private static LogLevel Parse(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };
}
