using System.Globalization;
using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.Services;

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
    /// <summary>SUDO_USER, who called sudo to run this process, or null. What it says counts for root only, since anybody may set it.</summary>
    public string? SudoUser { get; init; }
    /// <summary>TUNNELMESH_TOKEN, or null. Secret.</summary>
    public string? Token { get; init; }
    /// <summary>Variables of the proxy, by name; null for one that is unset. May hold a password.</summary>
    public Func<string, string?> Proxy { get; init; } = _ => null;
    /// <summary>Whom to tell how the service is, where that is not a socket; null elsewhere. Not this object's to dispose.</summary>
    public IServiceReports? ServiceReports { get; init; }
    /// <summary>Cancelled when what runs this process as a service wants it to end.</summary>
    public CancellationToken ServiceStop { get; init; }
    /// <summary>NOTIFY_SOCKET of the service manager, or null.</summary>
    public string? NotifySocket { get; init; }
    /// <summary>WATCHDOG_USEC, when it is meant for this process (WATCHDOG_PID); else null.</summary>
    public string? WatchdogMicroseconds { get; init; }
    /// <summary>Home directory of the user, as the environment or the system names it; it need not exist. Empty where neither does.</summary>
    public required string UserHome { get; init; }

    /// <summary>Reads the environment of this process; empty variables count as unset. The token is taken out of it.</summary>
    public static ProcessEnvironment Read() => new()
    {
        Config = Get("TUNNELMESH_CONFIG"),
        LogLevel = Get("TUNNELMESH_LOG_LEVEL"),
        Server = Get("TUNNELMESH_SERVER"),
        Home = Get("TUNNELMESH_HOME"),
        SudoUser = Get("SUDO_USER"),
        Token = SecretEnvironment.Take("TUNNELMESH_TOKEN"),
        Proxy = Get,
        NotifySocket = Take("NOTIFY_SOCKET"),
        WatchdogMicroseconds = Take("WATCHDOG_PID") is not { } meant || meant == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? Take("WATCHDOG_USEC") : null,
        // Checked where it is needed: the framework would say nothing of one that does not exist.
        UserHome = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify),
    };

    /// <summary>What this command was told, for the home directory of another user.</summary>
    /// <param name="userHome">The user's home directory.</param>
    public ProcessEnvironment At(string userHome) => new() { Config = Config, LogLevel = LogLevel, Server = Server, Token = Token, Proxy = Proxy, UserHome = userHome };

    /// <summary>The environment of a service of Windows: the variables that belong to it, and none of the process.</summary>
    /// <param name="variables">Names and values; a later one of a name counts.</param>
    /// <param name="reports">Whom to tell how it is.</param>
    /// <param name="stop">Cancelled when it is to end.</param>
    public static ProcessEnvironment OfService(IReadOnlyList<KeyValuePair<string, string>> variables, IServiceReports reports, CancellationToken stop)
    {
        return new()
        {
            Config = Of("TUNNELMESH_CONFIG"),
            LogLevel = Of("TUNNELMESH_LOG_LEVEL"),
            Server = Of("TUNNELMESH_SERVER"),
            Home = Of("TUNNELMESH_HOME"),
            Token = Of("TUNNELMESH_TOKEN"),
            Proxy = Of,
            ServiceReports = reports,
            ServiceStop = stop,
            UserHome = Of("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
        };

        string? Of(string name) => variables.LastOrDefault(v => v.Key == name).Value is { Length: > 0 } value ? value : null;
    }

    // Programs that this one starts are not the service.
    private static string? Take(string name)
    {
        string? value = Get(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }

    private static string? Get(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
