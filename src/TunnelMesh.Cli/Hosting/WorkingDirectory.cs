namespace TunnelMesh.Cli.Hosting;

/// <summary>The directory that the command is given in.</summary>
internal static class WorkingDirectory
{
    /// <summary>Its path; null where it was deleted meanwhile, or the system does not tell.</summary>
    public static string? Find()
    {
        try
        {
            return Directory.GetCurrentDirectory();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
