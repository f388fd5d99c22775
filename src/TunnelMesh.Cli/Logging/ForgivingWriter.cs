using System.Globalization;
using System.Text;

namespace TunnelMesh.Cli.Logging;

/// <summary>
/// Writes lines on, and survives what cannot be written: a full disk or a closed pipe must not end whoever has something to say. Lines that were
/// lost are counted and told before the next one that can be written. Thread-safe.
/// </summary>
/// <param name="inner">Where to; stays the caller's.</param>
internal sealed class ForgivingWriter(TextWriter inner) : TextWriter(CultureInfo.InvariantCulture)
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _begun = new();
    private long _lost;

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write(new ReadOnlySpan<char>(in value));

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        lock (_gate)
        {
            _begun.Append(buffer);
            if (buffer.Contains('\n'))
            {
                Pass();
            }
        }
    }

    /// <inheritdoc/>
    public override void WriteLine(string? value)
    {
        lock (_gate)
        {
            _begun.AppendLine(value);
            Pass();
        }
    }

    /// <inheritdoc/>
    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        lock (_gate)
        {
            if (_begun.Length > 0)
            {
                Pass();
            }
        }
    }

    /// <inheritdoc/>
    public override Task FlushAsync()
    {
        Flush();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => FlushAsync();

    private void Pass()
    {
        string text = _begun.ToString();
        _begun.Clear();
        try
        {
            if (_lost > 0)
            {
                inner.WriteLine(string.Create(CultureInfo.InvariantCulture, $"({_lost} earlier lines could not be written here and are lost)"));
            }
            inner.Write(text);
            inner.Flush();
            _lost = 0;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            _lost++;
        }
    }
}
