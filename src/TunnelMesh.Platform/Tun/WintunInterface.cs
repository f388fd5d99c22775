using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Tun;

/// <summary>Gives an adapter of Wintun its MTU, addresses and routes; the system takes all of them back with the adapter.</summary>
internal static class WintunInterface
{
    // IP is attached to a new adapter by the system, a moment after the adapter is there; IPv6 never, where it is switched off.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(25);
    private const int Looks = 200, LooksForIPv6 = 40;

    private const int DadStatePreferred = 4;

    /// <summary>Sets what the options want.</summary>
    /// <param name="ip">The system.</param>
    /// <param name="luid">The adapter.</param>
    /// <param name="options">What it shall look like.</param>
    /// <param name="pause">Sleeps.</param>
    /// <returns>The addresses that are really set.</returns>
    /// <exception cref="TunException">The system refused.</exception>
    public static List<TunAddress> Configure(IIpHelper ip, ulong luid, TunOptions options, Action<TimeSpan> pause)
    {
        Check(Prepare(ip, luid, AddressFamily.InterNetwork, options.Mtu, Looks, pause), options.Name, "set the MTU of");
        bool v6 = options.Addresses.Any(a => a.Address.AddressFamily == AddressFamily.InterNetworkV6);
        if (v6)
        {
            int error = Prepare(ip, luid, AddressFamily.InterNetworkV6, options.Mtu, LooksForIPv6, pause);
            v6 = !IsAbsent(error);
            if (v6)
            {
                Check(error, options.Name, "set the MTU for IPv6 of");
            }
        }

        var set = new List<TunAddress>();
        foreach (TunAddress address in options.Addresses.Where(a => v6 || a.Address.AddressFamily == AddressFamily.InterNetwork))
        {
            int error = AddAddress(ip, luid, address);
            if (error == WindowsNative.ObjectAlreadyExists)
            {
                throw new TunException(TunError.Failed, $"The address {address.Address} belongs to another network interface of this machine already. Remove it there (`ipconfig` shows which), then start the peer again.");
            }

            Check(error, options.Name, $"give the address {address.Address}/{address.PrefixLength} to");
            set.Add(address);
        }

        foreach (IPNetwork route in options.Routes.Where(r => v6 || r.BaseAddress.AddressFamily == AddressFamily.InterNetwork))
        {
            Check(AddRoute(ip, luid, route), options.Name, $"route {route} into");
        }

        return set;
    }

    /// <summary>What a person is told when the system refused.</summary>
    internal static TunException Failed(int error, string name, string action) => error == WindowsNative.AccessDenied
        ? NotPermitted()
        : new TunException(TunError.Failed, $"The system refused to {action} the interface {name}: {WindowsNative.Describe(error)}.");

    internal static TunException NotPermitted() =>
        new(TunError.NotPermitted, "This process may not make a network interface. Run it as an administrator (from a terminal opened with \"Run as administrator\").");

    private static bool IsAbsent(int error) => error is WindowsNative.NotFound or WindowsNative.FileNotFound;

    private static int Prepare(IIpHelper ip, ulong luid, AddressFamily family, int mtu, int looks, Action<TimeSpan> pause)
    {
        var row = new InterfaceRow { Family = InetName.FamilyOf(family), Luid = luid };
        int error = ip.GetInterface(ref row);
        for (int i = 1; i < looks && IsAbsent(error); i++)
        {
            pause(Look);
            error = ip.GetInterface(ref row);
        }

        if (error != 0)
        {
            return error;
        }

        // Nobody else is on the link: nothing to discover there, and no router to ask through the tunnel.
        row.RouterDiscoveryBehavior = 0;
        row.DadTransmits = 0;
        row.ManagedAddressConfigurationSupported = 0;
        row.OtherStatefulConfigurationSupported = 0;
        row.Mtu = (uint)mtu;
        if (family == AddressFamily.InterNetwork)
        {
            // What the system gives here for IPv4 it does not take back.
            row.SitePrefixLength = 0;
        }

        return ip.SetInterface(ref row);
    }

    private static int AddAddress(IIpHelper ip, ulong luid, TunAddress address)
    {
        UnicastRow row = ip.NewAddress();
        row.Luid = luid;
        row.Address = InetName.Of(address.Address);
        row.OnLinkPrefixLength = (byte)address.PrefixLength;
        row.DadState = DadStatePreferred;
        return ip.AddAddress(ref row);
    }

    private static int AddRoute(IIpHelper ip, ulong luid, IPNetwork prefix)
    {
        ForwardRow row = ip.NewRoute();
        row.Luid = luid;
        row.Destination = InetName.Of(prefix.BaseAddress);
        row.PrefixLength = (byte)prefix.PrefixLength;
        row.NextHop = new InetName { Family = row.Destination.Family };
        row.Metric = 0;
        return ip.AddRoute(ref row);
    }

    private static void Check(int error, string name, string action)
    {
        if (error != 0)
        {
            throw Failed(error, name, action);
        }
    }
}
