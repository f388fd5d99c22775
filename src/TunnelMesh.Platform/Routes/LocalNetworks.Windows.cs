namespace TunnelMesh.Platform.Routes;

/// <summary>Windows: listing routes is not supported by this version, and says so.</summary>
internal static class WindowsRoutes
{
    public static IReadOnlyList<LocalRoute> List() =>
        throw new PlatformNotSupportedException("This version cannot list the routes of Windows yet. Run the peer on Linux, or in a Linux virtual machine.");
}
