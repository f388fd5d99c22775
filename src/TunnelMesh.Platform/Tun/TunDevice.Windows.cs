namespace TunnelMesh.Platform.Tun;

/// <summary>Windows: the Wintun driver is not supported by this version, and says so.</summary>
internal static class WindowsTunDevice
{
    public static ITunDevice Open(TunOptions options) =>
        throw new TunException(TunError.NotSupported, $"This version cannot make the interface {options.Name} on Windows: Wintun is not supported yet. Run the peer on Linux, or in a Linux virtual machine.");
}
