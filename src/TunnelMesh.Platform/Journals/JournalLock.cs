namespace TunnelMesh.Platform.Journals;

/// <summary>Tells a journal whose process lives from one that was left behind. Who writes a journal holds the file locked, and the system lets go of it however the process ends.</summary>
public static class JournalLock
{
    /// <summary>True while a process lives that wrote the journal.</summary>
    /// <param name="path">The file, which need not exist. One that this process may not look at counts as held: whoever owns it has more rights, and it is not for this process to undo.</param>
    public static bool IsHeld(string path)
    {
        try
        {
            return File.Exists(path) && JournalFile.IsHeld(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or InvalidDataException)
        {
            // Undone meanwhile, or nothing that a process writes.
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
