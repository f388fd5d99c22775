using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>Gives the web server's own messages to the coordinator's logger, from warnings on: below, it reports what peers do, handshakes that fail and connections that break. All have one id: its own ids are those of others here. Thread-safe.</summary>
/// <param name="target">The caller's, and stays so.</param>
internal sealed class ForwardingLogger(ILogger target) : ILogger
{
    /// <summary>The id of all of them.</summary>
    internal static readonly EventId WebServer = new(699, "WebServer");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && target.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            target.Log(logLevel, WebServer, state, exception, formatter);
        }
    }
}
