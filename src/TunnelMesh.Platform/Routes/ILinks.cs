using System.Net;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Routes;

/// <summary>Interfaces, as the kernel shows and changes them. Methods that change something return 0 or the errno the kernel answered with. One thread at a time.</summary>
internal interface ILinks : IDisposable
{
    /// <summary>How an interface is; null when there is none of that index.</summary>
    /// <exception cref="IOException">The kernel does not tell.</exception>
    LinkState? Read(uint index);

    /// <summary>Sets the largest packet in bytes.</summary>
    int SetMtu(uint index, int mtu);

    /// <summary>Keeps the kernel from giving the interface a link-local address by itself.</summary>
    int DisableAddressGeneration(uint index);

    /// <summary>Brings the interface up, and with it the routes of the IPv4 addresses it has.</summary>
    int SetUp(uint index);

    /// <summary>Takes the interface down, and with it all its routes and IPv6 addresses.</summary>
    int SetDown(uint index);

    /// <summary>Adds an address, and with it the route of its prefix.</summary>
    int AddAddress(uint index, IPAddress address, int prefixLength);

    /// <summary>Removes an address, and with it the route of its prefix.</summary>
    int RemoveAddress(uint index, TunAddress address);

    /// <summary>Adds the route of an address's prefix, as the kernel does when the address is added.</summary>
    int AddPrefixRoute(uint index, TunAddress address);

    /// <summary>Leads a prefix into the interface, by the main table.</summary>
    int AddRoute(uint index, System.Net.IPNetwork prefix);
}
