namespace TunnelMesh.Platform.Files;

/// <summary>Links of proc(5), which may be missing or not for this user.</summary>
internal static class ProcLink
{
    /// <summary>What the link at a path says; null when there is none, or none to be read.</summary>
    /// <param name="path">A path below /proc.</param>
    public static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
