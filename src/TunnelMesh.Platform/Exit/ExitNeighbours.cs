using System.Text.Json;
using TunnelMesh.Platform.Files;
using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// The set-ups of the other contexts of one home, by their journals, which lie beside this one's: <c>contexts/NAME/exit.json</c>. A journal counts while the process lives that wrote it.
/// </summary>
/// <param name="journal">Path of this context's journal.</param>
internal sealed class ExitNeighbours(string journal)
{
    private const int MaxBytes = 1 << 16, Attempts = 250;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly string _own = Path.GetDirectoryName(Path.GetFullPath(journal))!, _name = Path.GetFileName(journal);

    private string Folder => Path.GetDirectoryName(_own) ?? _own;

    /// <summary>Keeps the others from beginning or ending a set-up for as long as it is open. Null where that cannot be had, which is no reason not to go on.</summary>
    public FileStream? Lock()
    {
        string path = Path.Combine(Folder, ".exit.lock");
        try
        {
            for (int left = Attempts; left > 0; left--)
            {
                if (PrivateFile.TryHold(path) is { } hold)
                {
                    return hold;
                }

                Thread.Sleep(Pause);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The directory may be read-only.
        }

        return null;
    }

    /// <summary>What the others that live have changed.</summary>
    public IReadOnlyList<ExitEntry> Live()
    {
        try
        {
            return [.. Directory.GetDirectories(Folder).Where(d => d != _own).Select(d => ReadLive(Path.Combine(d, _name))).OfType<ExitEntry>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What a process that lives has written into a journal; null when none has.</summary>
    public static ExitEntry? ReadLive(string path)
    {
        using SystemJournal<ExitEntry> journal = new(path, ExitJson.Default.ExitEntry, _ => true, ("", ""));
        return File.Exists(path) && journal.IsHeld ? Read(path) : null;
    }

    /// <summary>What is written in a journal, whoever holds it: the framework asks for a lock to read, which the writer has. Null for nothing that can be read.</summary>
    public static ExitEntry? Read(string path)
    {
        try
        {
            return JournalFile.Peek(path, MaxBytes) is { } content ? JsonSerializer.Deserialize(content, ExitJson.Default.ExitEntry) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
