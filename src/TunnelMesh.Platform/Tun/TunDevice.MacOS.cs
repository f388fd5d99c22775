namespace TunnelMesh.Platform.Tun;

/// <summary>MacOS: the utun driver is not supported by this version, and says so.</summary>
internal static class MacOSTunDevice
{
    public static ITunDevice Open(TunOptions options) =>
        throw new TunException(TunError.NotSupported, $"This version cannot make the interface {options.Name} on MacOS: utun is not supported yet. Run the peer on Linux, or in a Linux virtual machine.");
}
