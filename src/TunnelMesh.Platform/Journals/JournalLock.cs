namespace TunnelMesh.Platform.Journals;

/// <summary>Tells a journal whose process lives from one that was left behind. Who writes a journal holds the file locked, and the system lets go of it however the process ends.</summary>
public static class JournalLock
{
    /// <summary>True while a process lives that wrote the journal.</summary>
    /// <param name="path">The file, which need not exist.</param>
    /// <exception cref="UnauthorizedAccessException">This process may not look.</exception>
    public static bool IsHeld(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None).Dispose();
            }
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Undone meanwhile.
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
