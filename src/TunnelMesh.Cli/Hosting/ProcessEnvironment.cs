using System.Globalization;
using TunnelMesh.Platform.Processes;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The environment variables that matter, read here and nowhere else. Never printed: it holds the token.</summary>
internal sealed class ProcessEnvironment
{
    /// <summary>TUNNELMESH_CONFIG, or null.</summary>
    public string? Config { get; init; }
    /// <summary>TUNNELMESH_LOG_LEVEL, or null.</summary>
    public string? LogLevel { get; init; }
    /// <summary>TUNNELMESH_SERVER, or null.</summary>
    public string? Server { get; init; }
    /// <summary>TUNNELMESH_HOME, or null.</summary>
    public string? Home { get; init; }
    /// <summary>TUNNELMESH_TOKEN, or null. Secret.</summary>
    public string? Token { get; init; }
    /// <summary>Variables of the proxy, by name; null for one that is unset. May hold a password.</summary>
    public Func<string, string?> Proxy { get; init; } = _ => null;
    /// <summary>NOTIFY_SOCKET of the service manager, or null.</summary>
    public string? NotifySocket { get; init; }
    /// <summary>WATCHDOG_USEC, when it is meant for this process (WATCHDOG_PID); else null.</summary>
    public string? WatchdogMicroseconds { get; init; }
    /// <summary>Home directory of the user.</summary>
    public required string UserHome { get; init; }

    /// <summary>Reads the environment of this process; empty variables count as unset. The token is taken out of it.</summary>
    public static ProcessEnvironment Read() => new()
    {
        Config = Get("TUNNELMESH_CONFIG"),
        LogLevel = Get("TUNNELMESH_LOG_LEVEL"),
        Server = Get("TUNNELMESH_SERVER"),
        Home = Get("TUNNELMESH_HOME"),
        Token = SecretEnvironment.Take("TUNNELMESH_TOKEN"),
        Proxy = Get,
        NotifySocket = Take("NOTIFY_SOCKET"),
        WatchdogMicroseconds = Take("WATCHDOG_PID") is not { } meant || meant == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? Take("WATCHDOG_USEC") : null,
        UserHome = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
    };

    // Programs that this one starts are not the service.
    private static string? Take(string name)
    {
        string? value = Get(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }

    private static string? Get(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
