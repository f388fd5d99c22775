using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>Gives the web server's own messages to the coordinator's logger, from warnings on: below, it reports what peers do, handshakes that fail and connections that break. Thread-safe.</summary>
/// <param name="target">The caller's, and stays so.</param>
internal sealed class ForwardingLogger(ILogger target) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && target.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            target.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
