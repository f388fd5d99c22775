using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Platform.Journals;

/// <summary>The journal of one context: a file (0600) that is there, synchronised, before the system is changed, and goes when the change is undone.</summary>
/// <typeparam name="T">What was changed and how to undo it.</typeparam>
/// <param name="path">The file; its directory exists.</param>
/// <param name="json">How it is written.</param>
/// <param name="isSound">Whether what was read can be used.</param>
/// <param name="what">What was changed, and where to look when the journal is lost, for people: "the DNS set-up" and a sentence.</param>
public class SystemJournal<T>(string path, JsonTypeInfo<T> json, Func<T, bool> isSound, (string Name, string Advice) what) : IDisposable
    where T : class
{
    private const int MaxBytes = 1 << 20, HoldAttempts = 20;
    private static readonly TimeSpan HoldPause = TimeSpan.FromMilliseconds(10);
    private FileStream? _held;

    /// <summary>See <see cref="JournalLock.IsHeld"/>.</summary>
    public bool IsHeld => JournalLock.IsHeld(path);

    /// <summary>What has not been undone, or null.</summary>
    /// <param name="problem">Why the file is of no use, for people. One that is damaged is then kept aside, one that cannot be read, as a running peer has it, stays where it is.</param>
    public T? Read(out string? problem)
    {
        problem = null;
        if (!File.Exists(path))
        {
            return null;
        }
        try
        {
            if (JsonSerializer.Deserialize(JournalFile.Read(path, MaxBytes), json) is { } entry && isSound(entry))
            {
                return entry;
            }
            problem = "it is no journal";
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            problem = e.Message;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Undone meanwhile.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The journal of {what.Name}, {path}, cannot be read: {(IsHeld ? "a running peer has it. Stop that one first." : e.Message)}";
            return null;
        }
        string aside = path + ".damaged";
        try
        {
            File.Move(path, aside, overwrite: true);
            problem = $"The journal of {what.Name} is damaged and was kept as {aside} ({problem}). {what.Advice}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The journal of {what.Name}, {path}, is damaged ({problem}) and cannot be moved out of the way: {e.Message} {what.Advice}";
        }
        return null;
    }

    /// <summary>Writes down what will be changed. On return it is on disk.</summary>
    /// <exception cref="IOException">It cannot be written, or another peer that runs has written it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(T entry)
    {
        if (_held is null && IsHeld)
        {
            throw new IOException($"another peer that runs has {path}; stop it first.");
        }
        PrivateFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(entry, json));
        SyncDirectory();
        // The file is another now. The old one is held until then, so that at no time this process seems to be gone.
        FileStream? before = _held;
        _held = Hold();
        before?.Dispose();
    }

    /// <summary>Everything is undone.</summary>
    public void Clear()
    {
        Dispose();
        File.Delete(path);
    }

    /// <summary>Lets go of the file; it stays.</summary>
    public void Dispose()
    {
        _held?.Dispose();
        _held = null;
        GC.SuppressFinalize(this);
    }

    // Whoever looks whether it is held has it for an instant.
    private FileStream Hold()
    {
        for (int left = HoldAttempts; ; left--)
        {
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
            }
            catch (IOException) when (left > 1 && File.Exists(path))
            {
                Thread.Sleep(HoldPause);
            }
        }
    }

    // The name has to be on disk, too, or a crash of the machine leaves the change without its journal.
    private void SyncDirectory()
    {
        if (!OperatingSystem.IsWindows() && Path.GetDirectoryName(path) is { Length: > 0 } directory)
        {
            Interop.UnixNative.SyncDirectory(directory);
        }
    }
}
