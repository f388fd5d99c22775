using System.Reflection;
using System.Text;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.Logging;

namespace TunnelMesh.Tests.Cli;

/// <summary>The text of docs/logs.md: prose, and the messages as the program declares them.</summary>
internal static class LogGuide
{
    private const string Head = """
        # The log

        A running peer writes one line for each event to standard error; under systemd that is the journal (`tunnelmesh service logs`). What the person who started it has to know then, such as where a
        token is that was just made, or the name it got in place of the one it asked for, stands there in plain sentences, without time and id.

            2026-11-24T10:00:00Z info   TM006 interface up name=tun-mesh0 mtu=1400 udp_port=2223

        Time (UTC), level, id, and what happened to whom. The id of an event stays when its words change: alert on it, and search for it below. Parts of a message that come from outside are escaped, and no
        message carries a secret. `--log-level`, `TUNNELMESH_LOG_LEVEL` and `log_level` choose the least level that is written: `trace`, `debug`, `info`, `warn`, `error`.

        A process writes when something happens, not because it runs. At `info` that is at most 2 lines an hour while nothing happens, a screenful a day, and beside it at most 4 for each move of its machine to another address; of a coordinator 2 for
        each move of a member, and 3 for each time that one comes and goes. `bench/soak` counts them and fails beyond that.

        | id | level | message |
        |---|---|---|

        """;

    /// <summary>Every message with an id, of the peer and of the coordinator.</summary>
    public static IReadOnlyList<LoggerMessageAttribute> Messages { get; } =
        [.. new[] { typeof(HostLog).Assembly, typeof(CoordinatorLog).Assembly }
            .SelectMany(a => a.GetTypes())
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .OrderBy(m => m.EventId)];

    /// <summary>The whole document.</summary>
    public static string Write()
    {
        StringBuilder text = new(Head);
        foreach (LoggerMessageAttribute message in Messages)
        {
            text.Append(null, $"| TM{message.EventId:D3} | {Word(message.Level)} | {message.Message.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }
        return text.Append(null, $"| TM{ForwardingLogger.WebServer.Id} | any | what the web server inside the coordinator says |\n").ToString();
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => level.ToString().ToLowerInvariant(),
    };
}
