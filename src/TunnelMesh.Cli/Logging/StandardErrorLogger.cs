using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace TunnelMesh.Cli.Logging;

/// <summary>
/// One line an event: UTC time, level, the event's id (docs/logs.md), message with its key=value parts. Control characters are escaped, because parts of a message
/// come from outside. Thread-safe; a changed level holds at once.
/// </summary>
internal sealed class StandardErrorLogger(TextWriter output, TimeProvider clock) : ILogger
{
    private readonly Lock _gate = new();
    private volatile int _level = (int)LogLevel.Information;

    /// <summary>Least level that is written.</summary>
    public LogLevel Level
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= Level && logLevel != LogLevel.None;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }
        StringBuilder line = new(160);
        line.Append(clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        line.Append(' ').Append(Word(logLevel)).Append("  ");
        if (eventId.Id > 0)
        {
            line.Append(CultureInfo.InvariantCulture, $"TM{eventId.Id:D3} ");
        }
        Escape(line, formatter(state, exception));
        if (exception is not null)
        {
            Escape(line.Append(" error=\""), exception.Message);
            line.Append("\" type=").Append(exception.GetType().Name);
        }
        lock (_gate)
        {
            output.WriteLine(line.ToString());
            if (exception is not null && Level <= LogLevel.Debug)
            {
                output.WriteLine(exception.ToString());
            }
            output.Flush();
        }
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        _ => "error",
    };

    private static void Escape(StringBuilder line, string text)
    {
        foreach (char c in text)
        {
            _ = c switch
            {
                '\n' => line.Append("\\n"),
                '\r' => line.Append("\\r"),
                '\t' => line.Append(' '),
                _ when char.IsControl(c) => line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => line.Append(c),
            };
        }
    }
}
