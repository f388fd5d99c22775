using System.Net.Sockets;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Routes;

/// <summary>One interface, with its addresses and routes.</summary>
internal sealed unsafe partial class NetlinkSocket
{
    // RT_TABLE_MAIN, RTPROT_KERNEL, RT_SCOPE_LINK, RTN_UNICAST; IP6_RT_PRIO_ADDRCONF.
    private const byte MainTable = 254, OfKernel = 2, LinkScope = 253, Unicast = 1;
    private const uint PriorityOfKernel = 256;

    // RTA_DST, RTA_OIF, RTA_PRIORITY, RTA_PREFSRC.
    private const ushort Destination = 1, OutInterface = 4, RoutePriority = 6, PreferredSource = 7;

    public LinkState? Read(uint index)
    {
        // The kernel then lists what is asked for alone; a list from before Linux 4.20 is looked through.
        _ = UnixNative.SetOption(_fd, SolNetlink, StrictCheck, 1);
        (string Name, bool Up, int Mtu)? link = null;
        Begin(RouteNetlink.GetLink, 0);
        Bytes([0, 0, 0, 0]);
        UInt32(index);
        UInt32(0);
        UInt32(0);
        int errno = ForEach((type, body) => link = type == RtmNewLink && RouteNetlink.TryReadLink(body, out string name, out bool up, out int mtu) ? (name, up, mtu) : link);
        if (errno is not (0 or UnixNative.ENoDev))
        {
            throw new IOException($"The system does not tell how the interface is: {UnixNative.Describe(errno)}.");
        }

        if (link is not { } found)
        {
            return null;
        }

        List<TunAddress> addresses = [];
        List<System.Net.IPNetwork> routes = [];
        foreach (bool v6 in new[] { false, true })
        {
            BeginList(RouteNetlink.GetAddress, v6, index);
            Require(ForEach((type, body) =>
            {
                if (type == RtmNewAddr && body[0] == Family(v6) && RouteNetlink.TryReadAddress(body, out int on, out System.Net.IPAddress address) && on == (int)index)
                {
                    addresses.Add(new TunAddress(address, body[1]));
                }
            }));
            BeginList(RouteNetlink.GetRoute, v6);
            AddUInt32(TableAttribute, MainTable);
            AddUInt32(OutInterface, index);
            Require(ForEach((type, body) =>
            {
                if (type == RtmNewRoute && TableOf(body) == MainTable && RouteNetlink.ReadPrefix(body, Family(v6), index) is { } prefix)
                {
                    routes.Add(prefix);
                }
            }));
        }

        return new LinkState(found.Name, found.Up, found.Mtu, addresses, routes);
    }

    public int SetDown(uint index)
    {
        Begin(RtmNewLink, 0);
        Bytes([0, 0, 0, 0]);
        UInt32(index);

        // No flag, and IFF_UP as the one that is meant.
        UInt32(0);
        UInt32(1);
        return Execute();
    }

    public int RemoveAddress(uint index, TunAddress address)
    {
        Begin(RtmDeleteAddr, 0);
        Bytes([Family(address.Address.AddressFamily == AddressFamily.InterNetworkV6), (byte)address.PrefixLength, 0, 0]);
        UInt32(index);
        byte[] bytes = address.Address.GetAddressBytes();
        Add(2, bytes);
        Add(1, bytes);
        return Execute();
    }

    public int AddPrefixRoute(uint index, TunAddress address)
    {
        bool v6 = address.Address.AddressFamily == AddressFamily.InterNetworkV6;
        // Beside a route of the same prefix into another interface, not in its place.
        Begin(RtmNewRoute, (ushort)(Create | (v6 ? Replace : Append)));
        Bytes([Family(v6), (byte)address.PrefixLength, 0, 0, MainTable, OfKernel, v6 ? (byte)0 : LinkScope, Unicast]);
        UInt32(0);
        Add(Destination, Prefixes.Of(address.Address, address.PrefixLength).BaseAddress.GetAddressBytes());
        AddUInt32(OutInterface, index);
        if (v6)
        {
            AddUInt32(RoutePriority, PriorityOfKernel);
        }
        else
        {
            Add(PreferredSource, address.Address.GetAddressBytes());
        }

        return Execute();
    }

    private static byte Family(bool v6) => (byte)(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet);

    // ifaddrmsg with the interface's index.
    private void BeginList(ushort type, bool v6, uint index)
    {
        Begin(type, Dump);
        MemoryMarshal.Write(_buffer.AsSpan(6), (ushort)(Dump | Request));
        Bytes([Family(v6), 0, 0, 0]);
        UInt32(index);
    }

    // A kernel without the family, and an interface that has just gone.
    private static void Require(int errno)
    {
        if (errno is not (0 or UnixNative.ENoEnt or UnixNative.ENoDev or LinuxNative.EAfNoSupport or LinuxNative.EOpNotSupp))
        {
            throw new IOException($"The system does not list its addresses and routes: {UnixNative.Describe(errno)}.");
        }
    }
}
