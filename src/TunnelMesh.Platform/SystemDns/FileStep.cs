namespace TunnelMesh.Platform.SystemDns;

/// <summary>A step on files whose failure is told as one of the set-up.</summary>
internal static class FileStep
{
    /// <exception cref="SystemDnsException">The file cannot be changed.</exception>
    internal static void Run(Action step, string path)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SystemDnsException($"{path} cannot be changed: {e.Message}", e);
        }
    }
}
