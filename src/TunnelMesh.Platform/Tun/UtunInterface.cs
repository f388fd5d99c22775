using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Tun;

/// <summary>Gives a utun interface its MTU, addresses and routes; the system takes all of them back with the interface.</summary>
internal static class UtunInterface
{
    /// <summary>Sets what the options want, and brings the interface up.</summary>
    /// <returns>The addresses that are really set.</returns>
    /// <exception cref="TunException">The system refused.</exception>
    public static List<TunAddress> Configure(IMacOSNetwork network, string name, ushort index, TunOptions options)
    {
        Check(network.Control(UnixNative.AfInet, MacOSNative.SioCSIfMtu, UtunRequests.Mtu(name, options.Mtu)), name, "set the MTU of");
        byte[] flags = UtunRequests.Flags(name);
        Check(network.Control(UnixNative.AfInet, MacOSNative.SioCGIfFlags, flags), name, "describe");
        UtunRequests.BringUp(flags);
        Check(network.Control(UnixNative.AfInet, MacOSNative.SioCSIfFlags, flags), name, "bring up");
        var set = new List<TunAddress>();
        int sequence = 0;
        foreach (TunAddress address in options.Addresses)
        {
            bool v6 = address.Address.AddressFamily == AddressFamily.InterNetworkV6;
            int errno = network.Control(
                v6 ? MacOSNative.AfInet6 : UnixNative.AfInet,
                v6 ? MacOSNative.SioCAIfAddrIn6 : MacOSNative.SioCAIfAddr,
                UtunRequests.Alias(name, address.Address));
            if (v6 && errno is MacOSNative.EAfNoSupport or MacOSNative.EProtoNoSupport)
            {
                continue; // IPv6 is switched off on this machine; IPv4 works on.
            }

            Check(errno, name, $"give the address {address.Address} to");
            set.Add(address);

            // An interface from point to point has no prefix of its own: what else lies behind it is a route.
            if (address.PrefixLength < (v6 ? 128 : 32))
            {
                AddRoute(network, name, index, Prefixes.Of(address.Address, address.PrefixLength), ++sequence);
            }
        }

        foreach (IPNetwork route in options.Routes)
        {
            bool v6 = route.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
            if (!v6 || set.Exists(a => a.Address.AddressFamily == AddressFamily.InterNetworkV6))
            {
                AddRoute(network, name, index, route, ++sequence);
            }
        }

        return set;
    }

    private static void AddRoute(IMacOSNetwork network, string name, ushort index, IPNetwork prefix, int sequence)
    {
        int errno = network.Route(RouteMessage.Add(prefix, index, sequence));
        if (errno == UnixNative.EExist)
        {
            throw new TunException(TunError.Failed, $"This machine has a route for {prefix} already, so it cannot lead into {name}. Find it with `netstat -rn`, and remove it or leave that network.");
        }

        Check(errno, name, $"route {prefix} into");
    }

    private static void Check(int errno, string name, string action)
    {
        if (errno == 0)
        {
            return;
        }

        throw errno is UnixNative.EPerm or UnixNative.EAcces
            ? MacOSTunDevice.NotPermitted()
            : new TunException(TunError.Failed, $"The system refused to {action} the interface {name}: {UnixNative.Describe(errno)}.");
    }
}
