using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>The log of a service where the system keeps none: a file, and the one before it, each of a limited size.</summary>
public sealed class ServiceLog : TextWriter
{
    /// <summary>Size at which a file becomes the one before, in bytes.</summary>
    public const long Limit = 4 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly long _limit;
    private FileStream _file;

    /// <summary>Opens it, and goes on at its end.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="limit">See <see cref="Limit"/>.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not.</exception>
    public ServiceLog(string path, long limit = Limit)
    {
        _path = path;
        _limit = limit;
        _file = Append();
    }

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.UTF8;

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + "\n");

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(value);
        lock (_gate)
        {
            if (_file.Length > 0 && _file.Length + bytes.Length > _limit)
            {
                _file.Dispose();
                File.Move(_path, Before(_path), overwrite: true);
                _file = Append();
            }

            _file.Write(bytes);
        }
    }

    /// <summary>Shows the end of a log.</summary>
    /// <param name="path">The file.</param>
    /// <param name="lines">How many lines from the end.</param>
    /// <param name="follow">Whether to go on with what comes, until cancelled.</param>
    /// <param name="output">Where to.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends it; this is no failure.</param>
    /// <exception cref="ServiceException">There is no log yet.</exception>
    public static async Task ShowAsync(string path, int lines, bool follow, TextWriter output, TimeProvider time, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(output);
        Queue<string> last = new();
        if (File.Exists(Before(path)))
        {
            using StreamReader old = new(Open(Before(path)));
            Keep(old, last, lines);
        }

        StreamReader reader = OpenCurrent(path);
        try
        {
            Keep(reader, last, lines);
            foreach (string line in last)
            {
                await output.WriteLineAsync(line).ConfigureAwait(false);
            }

            while (follow)
            {
                await output.WriteAsync(await reader.ReadToEndAsync(cancel).ConfigureAwait(false)).ConfigureAwait(false);
                await output.FlushAsync(cancel).ConfigureAwait(false);
                if (File.Exists(path) && new FileInfo(path).Length < reader.BaseStream.Position)
                {
                    // This one has become the one before, and nothing is added to it any more.
                    await output.WriteAsync(await reader.ReadToEndAsync(cancel).ConfigureAwait(false)).ConfigureAwait(false);
                    reader.Dispose();
                    reader = new(Open(path));
                    continue;
                }

                await Task.Delay(Pause, time, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Seen enough.
        }
        finally
        {
            reader.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    private static string Before(string path) => path + ".1";

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    // Whether it exists, the system tells only those who may read it.
    private static StreamReader OpenCurrent(string path)
    {
        try
        {
            return new(Open(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ServiceException($"There is no log yet: {path} does not exist. The service writes it when it starts.", e) { Problem = ServiceProblem.NotRunning };
        }
    }

    private static void Keep(StreamReader from, Queue<string> last, int lines)
    {
        while (from.ReadLine() is { } line)
        {
            last.Enqueue(line);
            if (last.Count > lines)
            {
                last.Dequeue();
            }
        }
    }

    private FileStream Append() => new(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
}
