using System.Net.Sockets;

namespace TunnelMesh.Platform.Tun;

/// <summary>Makes TUN devices on the operating system at hand.</summary>
public static class TunDevice
{
    /// <summary>The least MTU of IPv4 in bytes that a host must take (RFC 791 section 3.2).</summary>
    public const int MinMtu = 576;

    /// <summary>The largest MTU in bytes.</summary>
    public const int MaxMtu = 65535;

    /// <summary>The least MTU of IPv6 in bytes (RFC 8200 section 5); an interface below it carries IPv4 only.</summary>
    public const int MinIPv6Mtu = 1280;

    private static readonly System.Buffers.SearchValues<char> Forbidden = System.Buffers.SearchValues.Create("/ %:\0\t\n");

    /// <summary>True where an interface can have several queues; false also where that cannot be asked.</summary>
    public static bool HasQueues => OperatingSystem.IsLinux() && LinuxTunDevice.HasQueues();

    /// <summary>True where <see cref="ITunDevice.Restore"/> looks after an interface.</summary>
    public static bool IsLookedAfter => OperatingSystem.IsLinux();

    /// <summary>Creates the interface, sets MTU, addresses and routes and brings it up; it vanishes with the returned object.</summary>
    /// <param name="options">What it shall look like.</param>
    /// <returns>The device, up and ready; the caller disposes it.</returns>
    /// <exception cref="TunException">It could not be made; nothing is left behind.</exception>
    public static ITunDevice Open(TunOptions options) => OpenQueues(options, 1)[0];

    /// <summary>Creates the interface as <see cref="Open"/> does, with several queues: the system spreads the flows over them, and each is read by a thread of its own.</summary>
    /// <param name="options">What it shall look like.</param>
    /// <param name="queues">How many are wanted, at least 1.</param>
    /// <returns>As many devices as the system has queues for, at least one; the interface vanishes with the last of them.</returns>
    /// <exception cref="TunException">It could not be made; nothing is left behind.</exception>
    public static IReadOnlyList<ITunDevice> OpenQueues(TunOptions options, int queues)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(queues, 1);
        if (options.Mtu is < MinMtu or > MaxMtu)
        {
            throw new TunException(TunError.BadOptions, $"The MTU {options.Mtu} is outside {MinMtu} to {MaxMtu}. Choose 1400, or 1280 on narrow links.");
        }

        int bytes = System.Text.Encoding.UTF8.GetByteCount(options.Name);
        if (bytes is < 1 or > 15 || options.Name.AsSpan().ContainsAny(Forbidden) || options.Name is "." or "..")
        {
            throw new TunException(TunError.BadOptions, $"The interface name '{options.Name}' is not valid: 1 to 15 bytes without '/', '%', ':' or spaces.");
        }

        if (options.Mtu < MinIPv6Mtu)
        {
            options = options with
            {
                Addresses = [.. options.Addresses.Where(a => a.Address.AddressFamily != AddressFamily.InterNetworkV6)],
                Routes = [.. options.Routes.Where(r => r.BaseAddress.AddressFamily != AddressFamily.InterNetworkV6)],
            };
        }

        if (OperatingSystem.IsLinux())
        {
            return LinuxTunDevice.OpenQueues(options, queues);
        }

        if (OperatingSystem.IsMacOS())
        {
            return [MacOSTunDevice.Open(options)];
        }

        if (OperatingSystem.IsWindows())
        {
            return [WindowsTunDevice.Open(options)];
        }

        throw new TunException(TunError.NotSupported, "This operating system has no TUN support in TunnelMesh. Run the peer on Linux.");
    }
}
