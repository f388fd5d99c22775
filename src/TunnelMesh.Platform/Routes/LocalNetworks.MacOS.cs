namespace TunnelMesh.Platform.Routes;

/// <summary>MacOS: listing routes is not supported by this version, and says so.</summary>
internal static class MacOSRoutes
{
    public static IReadOnlyList<LocalRoute> List() =>
        throw new PlatformNotSupportedException("This version cannot list the routes of MacOS yet. Run the peer on Linux, or in a Linux virtual machine.");
}
