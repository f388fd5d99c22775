using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>Gives the web server's own messages to the coordinator's logger, all under one id: its own ids are those of others here.</summary>
internal sealed class ForwardingLoggerProvider(ILogger target) : ILoggerProvider, ILogger
{
    /// <summary>The id of all of them.</summary>
    internal static readonly EventId WebServer = new(699, "WebServer");

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => target.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => target.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        target.Log(logLevel, WebServer, state, exception, formatter);

    public void Dispose()
    {
        // The logger is the caller's.
    }
}
